// Memory of the entry kernel. Below 64 KiB are fixed areas; above are
//   - a part of the store, to which entries are added, and from which they are encoded;
//   - strings of the entry that the host adds, or the encoded entries;
//   - the set of paths, which grows. It is not needed any more when entries are encoded.

/** The block that `addPlainEntry` reads: 512 bytes. */
export const BLOCK: usize = 0x0400;
/** The entry that is added. */
export const ENTRY: usize = 0x0600;
/** The time of the entry as text: 20 bytes. */
export const TIME: usize = 0x0700;
/** The name of an entry that has a prefix: 256 bytes. */
export const NAME: usize = 0x0800;
/** Start and end of each name in a path of at most 4,096 bytes: u16 x 2 x 2048. */
export const NAMES: usize = 0x0a00;
/** The directory of the previous entry: 4,096 bytes. */
export const PARENT: usize = 0x2b00;
/** For each layout of a table, the offset of its vtable, and the vtable: 256 x 36 bytes. */
export const VTABLES: usize = 0x4000;
/** Offsets of the fields of a table: u32 x 14. */
export const FIELD_OFFSETS: usize = 0x6800;
/** Long names of a plain entry: 4,096 bytes. */
export const LONG_NAMES: usize = 0x7000;
/** End of the offsets of the encoded entries of a part: u32 x 1536. An entry has at least 56 bytes. */
export const OFFSETS_END: usize = 0xa000;
/** The body of a PAX header: 4,096 bytes. */
export const RECORDS_BODY: usize = 0xa000;
/** The records of a plain entry, encoded as in the store. */
export const RECORDS: usize = 0xb800;

/** The part of the store, and its size unless an entry is larger. */
export const PART: usize = 0x10000;
const PART_SIZE: usize = 0x10000;

/** Memory for one part, three times as much for what is written from it or added to it, and then the set of paths. */
export let partEnd: usize = PART + PART_SIZE;
export let pathsStart: usize = PART + 4 * PART_SIZE;

/** The entry that is added. If it is not plain, ../entry-store.ts writes it, at these positions. */
@unmanaged
export class Entry {
  /** Offset of the content in the tar stream. */
  offset: i64;
  size: i64;
  mode: i64;
  devMajor: i64;
  devMinor: i64;
  uid: u32;
  gid: u32;
  /** 0 for a regular file, then as in tar headers: hard link, symbolic link, character and block device, directory, FIFO. */
  type: u32;
  nameSize: usize;
  linkSize: usize;
  userSize: usize;
  groupSize: usize;
  timeSize: usize;
  name: usize;
  link: usize;
  user: usize;
  group: usize;
  time: usize;
  /** PAX records, encoded as in the store. */
  records: usize;
}

export const entry = changetype<Entry>(ENTRY);

/** Makes sure that the memory up to `end` exists. */
export function growTo(end: usize): void {
  const missing = <isize>end - (<isize>memory.size() << 16);
  if (missing > 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) unreachable();
}

/** Makes room for a part of `size` bytes, and moves the set of paths, which has `pathsSize` bytes. */
export function enlargePart(size: usize, pathsSize: usize): void {
  if (size <= partEnd - PART) return;
  const rounded = (size + 0xffff) & ~0xffff;
  growTo(PART + 4 * rounded + pathsSize);
  memory.copy(PART + 4 * rounded, pathsStart, pathsSize);
  pathsStart = PART + 4 * rounded;
  partEnd = PART + rounded;
}

/** Copies `size` bytes. May read and write up to 15 bytes more. */
@inline
export function copy(target: usize, source: usize, size: usize): void {
  if (size > 256) {
    memory.copy(target, source, size);
    return;
  }
  for (const end = target + size; target < end; target += 16, source += 16) v128.store(target, v128.load(source));
}
