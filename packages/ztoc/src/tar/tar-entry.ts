import { type BytePool, toByteString } from '../byte-strings.ts';
import type { ZtocError } from '../errors.ts';
import type { FileEntry, FileType, TarInteger } from '../ztoc.ts';
import { type EntryExtensions, NO_PAX_RECORDS, type PaxRecords, sortPaxRecords } from './entry-extensions.ts';
import { type HeaderBlock, readGroupName, readLinkName, readName, readUserName } from './header-block.ts';
import { ModTimePrinter, parsePaxTime } from './mod-time.ts';
import { parseDecimal } from './numbers.ts';
import { findSparseHeader, isValidSparseMapRecord, type SparseHeader } from './sparse-map.ts';
import { excessiveEntry, fileTypeOf, invalidHeader, TYPE_LEGACY, unsupportedType } from './tar-format.ts';

/** Where in the tar stream an entry's own header starts, and where the bytes after it do. */
export interface EntryPlace {
  readonly headerOffset: number;
  readonly bodyOffset: number;
}

/** An entry, and how its body goes on. */
export interface TarEntry {
  /** The entry, as if its data started at `uncompressedOffset`. */
  readonly file: FileEntry;
  /** Bytes in the archive from there to the end of the body; inexact only where no archive is as large. */
  readonly bodySize: number;
  /** Whether those bytes start with a sparse map, which moves `uncompressedOffset` on. */
  readonly startsWithSparseMap: boolean;
}

const SLASH = 0x2f;

/** Puts entries together from their own headers and what came before those. */
export class EntryAssembler {
  readonly #pool: BytePool;
  readonly #modTimes = new ModTimePrinter();

  /** @param pool What the entries' names are kept in. */
  constructor(pool: BytePool) {
    this.#pool = pool;
  }

  /**
   * Makes an entry as Go's reader does (archive/tar/reader.go, `next`): GNU long names win over PAX records, those over
   * the header, and the name of a sparse record over all.
   *
   * Throws `TAR_ENTRY_UNSUPPORTED` for a type that a zTOC cannot hold, `TAR_INVALID` for records that Go's reader
   * refuses, and `LIMIT_EXCEEDED` for a size that no `number` holds exactly.
   */
  assemble(block: Uint8Array, header: HeaderBlock, extensions: EntryExtensions, place: EntryPlace): TarEntry {
    const pool = this.#pool;
    const offset = place.headerOffset;
    const records = extensions.records ?? NO_PAX_RECORDS;
    const name =
      nonEmpty(extensions.longName) ?? readStringRecord(records, 'path') ?? readName(block, header, pool, offset);
    const type = readType(header.typeFlag, name, offset);
    // Go's reader refuses this even where a PAX record has another size, and for directories of the legacy type.
    if (header.size < 0 && (type === 'reg' || header.typeFlag === TYPE_LEGACY))
      throw invalidHeader(offset, 'has a negative size');
    const recordedSize = readRecord(records, 'size', parseDecimal, offset) ?? header.size;
    const bodySize = type === 'reg' ? Number(recordedSize) : 0;
    if (bodySize < 0) throw invalidHeader(offset, 'has a negative size');
    const sparse = findSparseHeader(records);
    const modTime = readRecord(records, 'mtime', parsePaxTime, offset);
    // Not part of a zTOC, but Go's reader refuses malformed ones.
    readRecord(records, 'atime', parsePaxTime, offset);
    readRecord(records, 'ctime', parsePaxTime, offset);
    const file: FileEntry = {
      name: sparse?.name ?? name,
      type,
      uncompressedOffset: place.bodyOffset,
      uncompressedSize:
        sparse === undefined
          ? readPlainSize(recordedSize, type, offset)
          : readSparseSize(recordedSize, type, sparse, records, offset),
      linkName:
        nonEmpty(extensions.longLink) ?? readStringRecord(records, 'linkpath') ?? readLinkName(block, pool, offset),
      mode: header.mode,
      uid: toUint32(readRecord(records, 'uid', parseDecimal, offset) ?? header.uid),
      gid: toUint32(readRecord(records, 'gid', parseDecimal, offset) ?? header.gid),
      userName: readStringRecord(records, 'uname') ?? readUserName(block, header, pool, offset),
      groupName: readStringRecord(records, 'gname') ?? readGroupName(block, header, pool, offset),
      modTime: this.#modTimes.print(modTime?.seconds ?? header.modTime, modTime?.nanoseconds ?? 0),
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

/** Only a body may claim more than a `number` holds: no stream is as long, so that ends as a truncated one. */
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
  if (type !== 'reg') throw invalidHeader(offset, `makes a sparse file of an entry of type ${type}`);
  const size = sparse.size === '' ? recordedSize : parseDecimal(sparse.size);
  if (size === undefined || size < 0) throw invalidHeader(offset, 'has a malformed size of its sparse file');
  if (typeof size === 'bigint') throw sizeTooLarge(size, offset);
  if (sparse.mapIn === 'records' && !isValidSparseMapRecord(records, size)) {
    throw invalidHeader(offset, 'has a malformed sparse map in its PAX records');
  }
  return size;
}

function sizeTooLarge(size: bigint, offset: number): ZtocError {
  const excess = `claims a size of ${size} bytes, more than 2^53 - 1: leave that entry out of the layer`;
  return excessiveEntry(offset, excess);
}

function readStringRecord(records: PaxRecords, key: string): Uint8Array | undefined {
  return nonEmpty(records.get(key)?.[1]);
}

/** Empty long names and records leave what the header says. */
function nonEmpty(text: Uint8Array | undefined): Uint8Array | undefined {
  return text?.length === 0 ? undefined : text;
}

/** What a record says, read by `parse`, which gives undefined where Go's reader refuses it. */
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

/** The low 32 bits, which is what the reference writes of an owner's number. */
function toUint32(value: TarInteger): number {
  return typeof value === 'number' ? value >>> 0 : Number(BigInt.asUintN(32, value));
}
