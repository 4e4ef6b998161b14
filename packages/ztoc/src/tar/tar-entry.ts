import { type BytePool, toByteString } from '../byte-strings.ts';
import type { ZtocError } from '../errors.ts';
import type { FileEntry, FileType, TarInteger } from '../ztoc.ts';
import { type EntryExtensions, NO_PAX_RECORDS, type PaxRecords, sortPaxRecords } from './entry-extensions.ts';
import { type HeaderBlock, readGroupName, readLinkName, readName, readUserName } from './header-block.ts';
import { ModTimeFormatter, parsePaxTime } from './mod-time.ts';
import { parseDecimal } from './numbers.ts';
import { findSparseHeader, isValidSparseMapRecord, type SparseHeader } from './sparse-map.ts';
import { entryLimitExceeded, fileTypeOf, invalidHeader, TYPE_LEGACY, unsupportedType } from './tar-format.ts';

/** Offsets of the header of an entry and of the bytes after it, in bytes from the start of the tar stream. */
export interface EntryPosition {
  readonly headerOffset: number;
  readonly bodyOffset: number;
}

/** An entry and the size of its body. */
export interface TarEntry {
  /** The entry. A sparse map at the start of the body still has to be added to its `uncompressedOffset`. */
  readonly file: FileEntry;
  /** Bytes from `uncompressedOffset` to the end of the body. Inexact only if it is larger than any archive. */
  readonly bodySize: number;
  /** Whether the body starts with a sparse map. */
  readonly startsWithSparseMap: boolean;
}

const SLASH = 0x2f;

/** Creates entries from their headers and the extension headers before them. */
export class EntryAssembler {
  readonly #pool: BytePool;
  readonly #modTimes = new ModTimeFormatter();

  /** @param pool Storage for the names of the entries. */
  constructor(pool: BytePool) {
    this.#pool = pool;
  }

  /**
   * Creates an entry as Go's reader does (archive/tar/reader.go, `next`). GNU long names override PAX records, which
   * override the header. The name of a sparse record overrides all of them.
   *
   * Throws `TAR_ENTRY_UNSUPPORTED` for a type that a zTOC cannot contain, `TAR_INVALID` for records that Go's reader
   * rejects, and `LIMIT_EXCEEDED` for a size above 2^53 - 1.
   */
  assemble(header: HeaderBlock, extensions: EntryExtensions, position: EntryPosition): TarEntry {
    const pool = this.#pool;
    const offset = position.headerOffset;
    const records = extensions.records ?? NO_PAX_RECORDS;
    const name = nonEmpty(extensions.longName) ?? readStringRecord(records, 'path') ?? readName(header, pool, offset);
    const type = readType(header.typeFlag, name, offset);
    // Go's reader rejects this even if a PAX record has another size, and for directories of the legacy type.
    if (header.size < 0 && (type === 'reg' || header.typeFlag === TYPE_LEGACY))
      throw invalidHeader(offset, 'has a negative size');
    const recordedSize = readRecord(records, 'size', parseDecimal, offset) ?? header.size;
    const bodySize = type === 'reg' ? Number(recordedSize) : 0;
    if (bodySize < 0) throw invalidHeader(offset, 'has a negative size');
    const sparse = records.size > 0 ? findSparseHeader(records) : undefined;
    const modTime = readRecord(records, 'mtime', parsePaxTime, offset);
    // Not part of a zTOC, but Go's reader rejects malformed ones.
    readRecord(records, 'atime', parsePaxTime, offset);
    readRecord(records, 'ctime', parsePaxTime, offset);
    const file: FileEntry = {
      name: sparse?.name ?? name,
      type,
      uncompressedOffset: position.bodyOffset,
      uncompressedSize:
        sparse === undefined
          ? readPlainSize(recordedSize, type, offset)
          : readSparseSize(recordedSize, type, sparse, records, offset),
      linkName:
        nonEmpty(extensions.longLink) ?? readStringRecord(records, 'linkpath') ?? readLinkName(header, pool, offset),
      mode: header.mode,
      uid: toUint32(readRecord(records, 'uid', parseDecimal, offset) ?? header.uid),
      gid: toUint32(readRecord(records, 'gid', parseDecimal, offset) ?? header.gid),
      userName: readStringRecord(records, 'uname') ?? readUserName(header, pool, offset),
      groupName: readStringRecord(records, 'gname') ?? readGroupName(header, pool, offset),
      modTime: this.#modTimes.format(modTime?.seconds ?? header.modTime, modTime?.nanoseconds ?? 0),
      devMajor: header.devMajor,
      devMinor: header.devMinor,
      paxRecords: sortPaxRecords(records),
    };
    return { file, bodySize, startsWithSparseMap: sparse?.mapIn === 'body' };
  }
}

function readType(typeFlag: number, name: Uint8Array, offset: number): FileType {
  if (typeFlag === TYPE_LEGACY) return name[name.length - 1] === SLASH ? 'dir' : 'reg';
  const type = fileTypeOf(typeFlag);
  if (type === undefined) throw unsupportedType(offset, typeFlag);
  return type;
}

/** A body may claim more than 2^53 - 1 bytes: no stream is that long, so the scanner reports it as truncated. */
function readPlainSize(size: TarInteger, type: FileType, offset: number): number {
  if (typeof size === 'bigint' && type !== 'reg') throw sizeTooLarge(size, offset);
  return Number(size);
}

function readSparseSize(
  recordedSize: TarInteger,
  type: FileType,
  sparse: SparseHeader,
  records: PaxRecords,
  offset: number,
): number {
  if (type !== 'reg') throw invalidHeader(offset, `has sparse file records for an entry of type ${type}`);
  const size = sparse.size === '' ? recordedSize : parseDecimal(sparse.size);
  if (size === undefined || size < 0) throw invalidHeader(offset, 'has a malformed sparse file size');
  if (typeof size === 'bigint') throw sizeTooLarge(size, offset);
  if (sparse.mapIn === 'records' && !isValidSparseMapRecord(records, size)) {
    throw invalidHeader(offset, 'has a malformed sparse map in its PAX records');
  }
  return size;
}

function sizeTooLarge(size: bigint, offset: number): ZtocError {
  return entryLimitExceeded(
    offset,
    `claims a size of ${size} bytes, more than 2^53 - 1. Remove the entry from the layer.`,
  );
}

function readStringRecord(records: PaxRecords, key: string): Uint8Array | undefined {
  // Most entries have no records, and a dozen searches would find nothing.
  return records.size === 0 ? undefined : nonEmpty(records.get(key)?.[1]);
}

/** Empty long names and records do not override the header. */
function nonEmpty(text: Uint8Array | undefined): Uint8Array | undefined {
  return text?.length === 0 ? undefined : text;
}

/** Returns the value of a record. `parse` returns undefined if Go's reader rejects the value. */
function readRecord<T>(
  records: PaxRecords,
  key: string,
  parse: (text: string) => T | undefined,
  offset: number,
): T | undefined {
  const value = readStringRecord(records, key);
  const parsed = value && parse(toByteString(value));
  if (value !== undefined && parsed === undefined) throw invalidHeader(offset, `has a malformed PAX record ${key}`);
  return parsed;
}

/** Returns the low 32 bits, which the reference writes for user and group IDs. */
function toUint32(value: TarInteger): number {
  return typeof value === 'number' ? value >>> 0 : Number(BigInt.asUintN(32, value));
}
