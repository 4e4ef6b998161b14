import type { PaxRecord } from '../ztoc.ts';
import type { BytePool } from './byte-pool.ts';
import { fromByteString, toByteString } from './byte-string.ts';
import { parseDecimal } from './decimal.ts';

/** PAX records of one entry by key (a byte string), as the archive has them: values undecoded, empty ones included. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** What an entry without records has. */
export const NO_PAX_RECORDS: readonly PaxRecord[] = [];

const SPARSE_OFFSET = 'GNU.sparse.offset';
const SPARSE_LENGTH = 'GNU.sparse.numbytes';
const SPARSE_MAP = 'GNU.sparse.map';

/** Shortest record there can be: `5 a=` and a newline. */
const MIN_RECORD_SIZE = 5;

/** Keys whose values become C strings in the header and so may hold no NUL. */
const STRING_KEYS: ReadonlySet<string> = new Set(['path', 'linkpath', 'uname', 'gname']);

/**
 * Reads the body of a PAX header: records `<length> <key>=<value>\n`, the last of a key winning. The offset and numbytes
 * records of sparse format 0.0 are put together into the one map record of format 0.1. Values are views of `content`.
 *
 * Gives undefined where Go's reader refuses it (archive/tar/reader.go, `parsePAX`).
 *
 * @see POSIX.1-2017, pax, "pax Extended Header"
 */
export function parsePaxRecords(content: Uint8Array): PaxRecords | undefined {
  const text = toByteString(content);
  const records = new Map<string, Uint8Array>();
  const sparseMap: string[] = [];
  for (let start = 0; start < text.length; ) {
    const space = text.indexOf(' ', start);
    if (space < 0) return undefined;
    const size = parseDecimal(text.slice(start, space));
    if (size === undefined || size < MIN_RECORD_SIZE || size > text.length - start) return undefined;
    const end = start + Number(size);
    if (end <= space + 1 || text[end - 1] !== '\n') return undefined;
    const equals = text.indexOf('=', space + 1);
    if (equals < 0 || equals >= end - 1) return undefined;
    const key = text.slice(space + 1, equals);
    const value = text.slice(equals + 1, end - 1);
    if (!isValidRecord(key, value)) return undefined;
    if (key === SPARSE_OFFSET || key === SPARSE_LENGTH) {
      const expected = sparseMap.length % 2 === 0 ? SPARSE_OFFSET : SPARSE_LENGTH;
      if (key !== expected || value.includes(',')) return undefined;
      sparseMap.push(value);
    } else {
      records.set(key, content.subarray(equals + 1, end - 1));
    }
    start = end;
  }
  if (sparseMap.length > 0) records.set(SPARSE_MAP, fromByteString(sparseMap.join(',')));
  return records;
}

/** The records as a zTOC has them, in byte order of their keys; keys are kept once in `pool`. */
export function sortPaxRecords(records: PaxRecords, pool: BytePool, offset: number): readonly PaxRecord[] {
  if (records.size === 0) return NO_PAX_RECORDS;
  const sorted: PaxRecord[] = [];
  for (const key of [...records.keys()].sort()) {
    sorted.push([pool.intern(key, offset), records.get(key) as Uint8Array]);
  }
  return sorted;
}

function isValidRecord(key: string, value: string): boolean {
  if (key === '') return false;
  return !(STRING_KEYS.has(key) ? value : key).includes('\0');
}
