// Entries of a tar archive in WebAssembly, in AssemblyScript: TypeScript syntax with WebAssembly types. scripts/build-kernel.mjs
// compiles it to ../kernel.generated.ts. Its host is ../entry-store.ts.
//
// Reads plain headers, keeps entries, checks their paths, and encodes them: everything that is done for each entry of ordinary
// layers. In JavaScript, it took 10 us of CPU time for each entry, half of it to compile code and to collect garbage.

import { readPlainHeader } from './header';
import { BLOCK, enlargePart as enlarge, ENTRY, entry, LONG_NAMES, NAME, OFFSETS_END, PART, partEnd as endOfPart, RECORDS, RECORDS_BODY } from './memory';
import { checkPath, pathsSize, resetPaths } from './paths';
import { link, linkSize, path, pathSize, recordsSize } from './records';
import { keepEntry, resetPart } from './store';

export { beginEncoding, encodedAlignment, encodedCount, encodedEnd, encodePart } from './encode';
export { mayBeImplied, mayLackTarget, seed } from './paths';
export { readPlainRecords, recordCount } from './records';
export { partSize, resetPart } from './store';

/** Address of the block that `addPlainEntry` reads. */
export function blockAddress(): usize {
  return BLOCK;
}

/** Address of the entry that `addEntry` adds: see `Entry`. */
export function entryAddress(): usize {
  return ENTRY;
}

/** Address of the long names of a plain entry. */
export function longNamesAddress(): usize {
  return LONG_NAMES;
}

/** Address of the body that `readPlainRecords` reads. */
export function recordsAddress(): usize {
  return RECORDS_BODY;
}

/** Address of the part of the store. */
export function partAddress(): usize {
  return PART;
}

/** Address after the offsets of encoded entries. */
export function offsetsEnd(): usize {
  return OFFSETS_END;
}

/** Address after the part of the store. The strings of an entry of the host start here. */
export function partEnd(): usize {
  return endOfPart;
}

/** Address of the name of the entry that was added last. */
export function nameStart(): usize {
  return entry.name;
}

/** Size of that name in bytes. */
export function nameSize(): usize {
  return entry.nameSize;
}

/** Type of that entry: see `Entry`. */
export function entryType(): u32 {
  return entry.type;
}

/** Forgets all entries. */
export function reset(): void {
  resetPart();
  resetPaths();
}

/** Makes room for a part of `size` bytes, and for strings with three times as many. */
export function enlargePart(size: usize): void {
  enlarge(size, pathsSize());
}

/** Result of `addPlainEntry` for other entries. */
const NOT_PLAIN: f64 = -1;

/**
 * Adds the entry whose header is the block, if it is plain. The part must have room for 1,024 bytes, and for the long names.
 * @param offset Offset of the bytes after the header in the tar stream.
 * @param longName Size of the name from a GNU header at `longNamesAddress`, or 0; at most 4,096 bytes with `longLink`.
 * @param longLink Size of the link name after it, or 0.
 * @param hasRecords Whether `readPlainRecords` has read a PAX header before it. GNU names override its names.
 * @returns the size of its body, or NOT_PLAIN
 */
export function addPlainEntry(offset: f64, longName: usize, longLink: usize, hasRecords: bool): f64 {
  const name = longName > 0 || !hasRecords ? LONG_NAMES : path;
  const nameSize = longName > 0 || !hasRecords ? longName : pathSize;
  const linkName = longLink > 0 || !hasRecords ? LONG_NAMES + longName : link;
  const linkNameSize = longLink > 0 || !hasRecords ? longLink : linkSize;
  if (!readPlainHeader(name, nameSize, linkName, linkNameSize)) return NOT_PLAIN;
  entry.offset = <i64>offset;
  entry.records = RECORDS;
  addEntry(hasRecords ? recordsSize : 0);
  return <f64>entry.size;
}

/** Adds the entry. @param recordsSize Size of its PAX records in bytes: see `Entry`. */
export function addEntry(recordsSize: usize): void {
  keepEntry(recordsSize);
  checkPath(entry.type, entry.name, entry.nameSize, entry.link, entry.linkSize);
}

/** Size of the strings that the last plain entry has in its header, in bytes. */
export function metadataSize(): usize {
  let size = entry.userSize + entry.groupSize;
  if (entry.name == BLOCK || entry.name == NAME) size += entry.nameSize;
  if (entry.link == BLOCK + 157) size += entry.linkSize;
  return size;
}
