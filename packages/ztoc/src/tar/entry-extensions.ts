import { type BytePool, fromByteString, toByteString } from '../byte-strings.ts';
import type { PaxRecord } from '../ztoc.ts';
import { stringSize } from './header-block.ts';
import { parseDecimal } from './numbers.ts';
import { invalidHeader, TYPE_GNU_LONG_LINK, TYPE_GNU_LONG_NAME, TYPE_PAX } from './tar-format.ts';

/** What the headers before an entry's own say about it. */
export interface EntryExtensions {
  /** Those of the last PAX header: they are not added up. */
  records?: PaxRecords;
  /** Name of any length. */
  longName?: Uint8Array;
  /** Link target of any length. */
  longLink?: Uint8Array;
}

/** Whether a header is about the next entry, and its body is what it says. */
export function isExtensionType(typeFlag: number): boolean {
  return typeFlag === TYPE_PAX || typeFlag === TYPE_GNU_LONG_NAME || typeFlag === TYPE_GNU_LONG_LINK;
}

/**
 * Adds what the body of a header of an extension type says, in place of what an earlier one of that type said.
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

/** PAX records of one entry by key (a byte string), as the archive has them: values undecoded, empty ones included. */
export type PaxRecords = ReadonlyMap<string, PaxRecord>;

/** What an entry without a PAX header has. */
export const NO_PAX_RECORDS: PaxRecords = new Map();

const NO_SORTED_RECORDS: readonly PaxRecord[] = [];

const SPARSE_OFFSET = 'GNU.sparse.offset';
const SPARSE_LENGTH = 'GNU.sparse.numbytes';
const SPARSE_MAP = 'GNU.sparse.map';

/** What a record takes in memory beside its bytes, so that tiny ones cannot get round the limit on metadata. */
const RECORD_OVERHEAD = 200;

/** Keys whose values become C strings in the header and so may hold no NUL. */
const STRING_KEYS: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname']);

/**
 * Reads the body of a PAX header: records `<length> <key>=<value>\n`, the last of a key winning. The offset and
 * numbytes records of sparse format 0.0 are put together into the one map record of format 0.1. Keys and values are kept
 * in `pool`, once where they come again, as times and owners do; `offset` is where the header stands in the stream.
 *
 * Gives undefined where Go's reader refuses it (archive/tar/reader.go, `parsePAX`).
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

/** The records as a zTOC has them, in byte order of their keys. */
export function sortPaxRecords(records: PaxRecords): readonly PaxRecord[] {
  if (records.size === 0) return NO_SORTED_RECORDS;
  return [...records.keys()].sort().map((key) => records.get(key) as PaxRecord);
}

function isValidRecord(key: string, value: Uint8Array): boolean {
  if (key === '') return false;
  return STRING_KEYS.has(key) ? !value.includes(0) : !key.includes('\0');
}
