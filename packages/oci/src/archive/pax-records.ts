import { OciError } from '../errors.ts';
import { textOf } from './tar-header.ts';

/**
 * Reads the records of a PAX header: `length key=value\n`, the length counting all of itself.
 *
 * @param offset - Where the records stand in the archive, for error messages.
 * @returns Values by key, each byte a character; of a key that stands twice the last.
 * @throws OciError `ARCHIVE_INVALID`
 * @see POSIX.1-2017, pax, "pax Extended Header"
 */
export function parsePaxRecords(bytes: Uint8Array, offset: number): ReadonlyMap<string, string> {
  const text = textOf(bytes);
  const records = new Map<string, string>();
  let position = 0;
  while (position < text.length) {
    const head = /^([0-9]{1,10}) /.exec(text.slice(position, position + 12));
    const end = position + Number(head?.[1] ?? 0);
    const body = head === null ? '' : text.slice(position + head[0].length, end);
    const equals = body.indexOf('=');
    if (end > text.length || equals < 1 || !body.endsWith('\n')) {
      throw new OciError('ARCHIVE_INVALID', `a PAX record at byte ${offset + position} of the archive is malformed`);
    }
    records.set(body.slice(0, equals), body.slice(equals + 1, -1));
    position = end;
  }
  return records;
}

/** Writes one record of a PAX header. */
export function formatPaxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  // The length counts its own digits: one more may be needed for those than at first sight.
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return `${length}${rest}`;
}
