import { type BytePool, fromByteString, toByteString } from '../byte-strings.ts';
import type { PaxRecord } from '../ztoc.ts';
import { stringSize } from './header-block.ts';
import { parseDecimal } from './numbers.ts';
import { invalidHeader, TYPE_GNU_LONG_LINK, TYPE_GNU_LONG_NAME, TYPE_PAX } from './tar-format.ts';

/** Data from extension headers, which apply to the next entry. */
export interface EntryExtensions {
  /** Records of the last PAX header. Earlier PAX headers are replaced, not merged. */
  records?: PaxRecords | undefined;
  /** Name of any length. */
  longName?: Uint8Array | undefined;
  /** Link target of any length. */
  longLink?: Uint8Array | undefined;
}

/** Reports whether a header with this type flag applies to the next entry, with the data in its body. */
export function isExtensionType(typeFlag: number): boolean {
  return typeFlag === TYPE_PAX || typeFlag === TYPE_GNU_LONG_NAME || typeFlag === TYPE_GNU_LONG_LINK;
}

/**
 * Adds the data of an extension header. It replaces that of an earlier header of the same type.
 * Throws `TAR_INVALID` for malformed PAX records.
 */
export function addExtension(
  extensions: EntryExtensions,
  typeFlag: number,
  body: Uint8Array,
  pool: BytePool,
  offset: number,
): void {
  if (typeFlag === TYPE_PAX) {
    const records = parsePaxRecords(body, pool, offset);
    if (records === undefined) throw invalidHeader(offset, 'has malformed PAX records');
    extensions.records = records;
    return;
  }
  const text = body.subarray(0, stringSize(body, 0, body.length));
  if (typeFlag === TYPE_GNU_LONG_NAME) extensions.longName = text;
  else extensions.longLink = text;
}

/** PAX records of an entry by key (a byte string). Values are not decoded; empty ones are included. */
export type PaxRecords = ReadonlyMap<string, PaxRecord>;

/** Records of an entry without a PAX header. */
export const NO_PAX_RECORDS: PaxRecords = new Map();

const NO_SORTED_RECORDS: readonly PaxRecord[] = [];

const SPARSE_OFFSET = 'GNU.sparse.offset';
const SPARSE_LENGTH = 'GNU.sparse.numbytes';
const SPARSE_MAP = 'GNU.sparse.map';

/** Bytes of a record in a zTOC in addition to its content, so that many tiny records cannot evade `maxMetadataSize`. */
const RECORD_OVERHEAD = 32;

/** Keys whose values must not contain NUL, because they replace strings of the header. */
const STRING_KEYS: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname']);

/**
 * Parses the body of a PAX header: records `<length> <key>=<value>\n`. The last record of a key wins. The offset and
 * numbytes records of sparse format 0.0 are combined into the map record of format 0.1. Keys and values are stored in
 * `pool`, which shares repeated ones such as times and owners. `offset` is the position of the header in the stream.
 *
 * Returns undefined if Go's reader rejects the body (archive/tar/reader.go, `parsePAX`).
 *
 * @see POSIX.1-2017, pax, "pax Extended Header"
 */
export function parsePaxRecords(content: Uint8Array, pool: BytePool, offset: number): PaxRecords | undefined {
  const text = toByteString(content);
  const records = new Map<string, PaxRecord>();
  const sparseMap: string[] = [];
  for (let start = 0; start < text.length; ) {
    const space = text.indexOf(' ', start);
    const size = space < 0 ? undefined : parseDecimal(text.slice(start, space));
    if (size === undefined || size > text.length - start) return undefined;
    const end = start + Number(size);
    const equals = text.indexOf('=', space + 1);
    if (end <= space + 1 || text[end - 1] !== '\n' || equals < 0 || equals >= end - 1) return undefined;
    const key = text.slice(space + 1, equals);
    if (!isValidRecord(key, content.subarray(equals + 1, end - 1))) return undefined;
    if (key === SPARSE_OFFSET || key === SPARSE_LENGTH) {
      const number = text.slice(equals + 1, end - 1);
      const expected = sparseMap.length % 2 === 0 ? SPARSE_OFFSET : SPARSE_LENGTH;
      if (key !== expected || number.includes(',')) return undefined;
      sparseMap.push(number);
    } else {
      pool.charge(RECORD_OVERHEAD, offset);
      const value = pool.intern(content, equals + 1, end - equals - 2, offset);
      records.set(key, [pool.intern(content, space + 1, key.length, offset), value]);
    }
    start = end;
  }
  if (sparseMap.length > 0) {
    const value = fromByteString(sparseMap.join(','));
    pool.charge(RECORD_OVERHEAD + value.length, offset);
    records.set(SPARSE_MAP, [fromByteString(SPARSE_MAP), value]);
  }
  return records;
}

/** Returns the records as a list for a zTOC, sorted by the bytes of their keys. */
export function sortPaxRecords(records: PaxRecords): readonly PaxRecord[] {
  if (records.size === 0) return NO_SORTED_RECORDS;
  return [...records.keys()].sort().map((key) => records.get(key) as PaxRecord);
}

function isValidRecord(key: string, value: Uint8Array): boolean {
  if (key === '') return false;
  return STRING_KEYS.has(key) ? !value.includes(0) : !key.includes('\0');
}
