// Keeps entries until they are encoded, in the order of the archive. Strings have the encoding of the zTOC already.
//
//   u16  which numbers follow, because they are not 0
//   u16  distance from the start of the entry to its strings
//   i64 or u32 each: offset, size, mode, user ID, group ID, major and minor device number
//   strings in the order of a zTOC: time, group, user, link name, type, name, and for each PAX record value and key
//   u32  size of all of it: entries are read from the last one

import { copy, entry, PART } from './memory';

export const HAS_OFFSET: u32 = 1;
export const HAS_SIZE: u32 = 2;
export const HAS_MODE: u32 = 4;
export const HAS_UID: u32 = 8;
export const HAS_GID: u32 = 16;
export const HAS_MAJOR: u32 = 32;
export const HAS_MINOR: u32 = 64;

/** Types as encoded strings, 16 bytes each, by number. */
// prettier-ignore
const TYPES = memory.data<u32>([
  3, 0x00676572, 0, 0, // reg
  8, 0x64726168, 0x6b6e696c, 0, // hardlink
  7, 0x6c6d7973, 0x006b6e69, 0, // symlink
  4, 0x72616863, 0, 0, // char
  5, 0x636f6c62, 0x0000006b, 0, // block
  3, 0x00726964, 0, 0, // dir
  4, 0x6f666966, 0, 0, // fifo
]);

/** Address after the entries of the part. */
let end: usize = PART;

/** Starts an empty part. */
export function resetPart(): void {
  end = PART;
}

/** Size of the entries of the part in bytes. */
export function partSize(): usize {
  return end - PART;
}

/** Adds the entry. @param recordsSize Size of its PAX records in bytes. */
export function keepEntry(recordsSize: usize): void {
  const start = end;
  let mask: u32 = 0;
  let at = start + 4;
  if (entry.offset != 0) {
    mask |= HAS_OFFSET;
    store<i64>(at, entry.offset);
    at += 8;
  }
  if (entry.size != 0) {
    mask |= HAS_SIZE;
    store<i64>(at, entry.size);
    at += 8;
  }
  if (entry.mode != 0) {
    mask |= HAS_MODE;
    store<i64>(at, entry.mode);
    at += 8;
  }
  if (entry.uid != 0) {
    mask |= HAS_UID;
    store<u32>(at, entry.uid);
    at += 4;
  }
  if (entry.gid != 0) {
    mask |= HAS_GID;
    store<u32>(at, entry.gid);
    at += 4;
  }
  if (entry.devMajor != 0) {
    mask |= HAS_MAJOR;
    store<i64>(at, entry.devMajor);
    at += 8;
  }
  if (entry.devMinor != 0) {
    mask |= HAS_MINOR;
    store<i64>(at, entry.devMinor);
    at += 8;
  }
  store<u16>(start, <u16>mask);
  store<u16>(start, <u16>(at - start), 2);
  at = putString(at, entry.time, entry.timeSize);
  at = putString(at, entry.group, entry.groupSize);
  at = putString(at, entry.user, entry.userSize);
  at = putString(at, entry.link, entry.linkSize);
  const type = TYPES + (<usize>entry.type << 4);
  at = putString(at, type + 4, load<u32>(type));
  at = putString(at, entry.name, entry.nameSize);
  memory.copy(at, entry.records, recordsSize);
  at += recordsSize;
  store<u32>(at, <u32>(at + 4 - start));
  end = at + 4;
}

/** Writes a string with its size before it, and zeros after it up to a multiple of four bytes, at least one. */
export function putString(at: usize, source: usize, size: usize): usize {
  store<u32>(at, <u32>size);
  copy(at + 4, source, size);
  store<u32>(at + size, 0, 4);
  return at + 4 + ((size + 4) & ~3);
}
