import type { FileEntry, TarInteger } from '../ztoc.ts';

/** The root, and the vtables: a few dozen in practice, because equal ones are shared. */
export const ROOT_SIZE = 4096;
/** The table of a file without its optional fields, and the maximum padding of its 64-bit fields. */
const FILE_SIZE = 32 + 12;
/** The table of a PAX record. */
const RECORD_SIZE = 12;
/** A reference from a vector. */
const REFERENCE_SIZE = 4;

/** Size of a span in a zTOC without its checkpoint, in bytes: a reference, and `sha256:` with 64 digits. */
export const SPAN_DIGEST_SIZE = REFERENCE_SIZE + encodedStringSize({ length: 71 });

/**
 * Estimates the size of an encoded entry, a few percent high, so that the writer does not have to copy its buffer to
 * grow. An estimate that is too low costs time and memory, but the result is still correct.
 */
export function encodedFileSize(file: FileEntry): number {
  let size = REFERENCE_SIZE + FILE_SIZE;
  size += encodedStringSize(file.name) + encodedStringSize(file.type) + encodedStringSize(file.linkName);
  size += encodedStringSize(file.userName) + encodedStringSize(file.groupName) + encodedStringSize(file.modTime);
  size += 4 + int64Size(file.uncompressedOffset) + int64Size(file.uncompressedSize) + int64Size(file.mode);
  size += int64Size(file.devMajor) + int64Size(file.devMinor) + 4 * (Math.sign(file.uid) + Math.sign(file.gid));
  for (const [key, value] of file.paxRecords) {
    size += REFERENCE_SIZE + RECORD_SIZE + encodedStringSize(key) + encodedStringSize(value);
  }
  return size;
}

/** Returns the size of an encoded string in bytes: length, bytes and a terminating zero, padded to four bytes. */
function encodedStringSize({ length }: { readonly length: number }): number {
  return 4 + ((length + 4) & ~3);
}

/** Returns the size of a 64-bit field in bytes. The field is omitted if it is zero. */
function int64Size(value: TarInteger): number {
  return value === 0 ? 0 : 8;
}
