import type { ZtocError } from '../errors.ts';
import type { TarInteger } from '../ztoc.ts';
import type { BytePool } from './byte-pool.ts';
import { stringSize } from './header-block.ts';
import { type PaxRecords, parsePaxRecords } from './pax-records.ts';
import { excessiveEntry, invalidHeader } from './tar-faults.ts';
import { MAX_SPECIAL_FILE_SIZE, TYPE_GNU_LONG_LINK, TYPE_GNU_LONG_NAME, TYPE_PAX } from './tar-format.ts';

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

/** An error about an extension whose body no reader takes. */
export function extensionTooLarge(size: TarInteger, offset: number): ZtocError {
  const limit = `more than the ${MAX_SPECIAL_FILE_SIZE} that readers accept: shorten that entry's names and attributes`;
  return excessiveEntry(offset, `claims ${size} bytes of PAX records or long name, ${limit}`);
}
