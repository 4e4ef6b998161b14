// Encodes entries as FlatBuffers, from the last one to the first (flatbuffers.dev/internals; google/flatbuffers, go/builder.go;
// ztoc/ztoc_marshaler.go, `prepareMetadataOffset` and `prepareXattrsOffset`). ../../flatbuffers/flatbuffer-writer.ts writes the
// rest of the zTOC.

import { FIELD_OFFSETS, growTo, OFFSETS_END, PART, partEnd, VTABLES } from './memory';
import { HAS_GID, HAS_MAJOR, HAS_MINOR, HAS_MODE, HAS_OFFSET, HAS_SIZE, HAS_UID } from './store';

// Fields of an entry (../../encoding/schema.ts).
const NAME: usize = 0;
const TYPE: usize = 1;
const UNCOMPRESSED_OFFSET: usize = 2;
const UNCOMPRESSED_SIZE: usize = 3;
const LINK_NAME: usize = 4;
const MODE: usize = 5;
const UID: usize = 6;
const GID: usize = 7;
const USER_NAME: usize = 8;
const GROUP_NAME: usize = 9;
const MOD_TIME: usize = 10;
const DEV_MAJOR: usize = 11;
const DEV_MINOR: usize = 12;
const RECORDS: usize = 13;

/** Number of fields of an entry, and the size of its vtable. */
const FIELDS: usize = 14;
const VTABLE_SIZE: usize = 4 + 2 * FIELDS;
/** An offset before each vtable. */
const VTABLE_SLOT: usize = 4 + VTABLE_SIZE;
const LAYOUTS: usize = 256;

/** Vtable of a PAX record: its size, the size of the table, and the positions of key and value. */
const RECORD_VTABLE: u64 = 0x00040008000c0008;

/** Bytes of the buffer that are written, from its end. */
let written: u32 = 0;
/** Address of the last byte that was written. */
let front: usize = 0;
let recordVtable: u32 = 0;
/** Number of entries of the last part. */
let count: u32 = 0;
/** Largest alignment of a value. */
let alignment: u32 = 4;
/** Address of the next number of the entry. */
let next: usize = 0;

/** Starts a buffer. @param size Its bytes that are written already, a multiple of 4. */
export function beginEncoding(size: u32): void {
  written = size;
  recordVtable = 0;
  alignment = 4;
  for (let i: usize = 0; i < LAYOUTS; i++) store<u32>(VTABLES + i * VTABLE_SLOT, 0);
}

/**
 * Encodes the entries of the part at PART, which has `size` bytes. The offsets of the entries end at OFFSETS_END.
 * @returns the address of the encoded entries, which end at `encodedEnd`
 */
export function encodePart(size: usize): usize {
  const end = encodedEnd();
  growTo(end);
  front = end;
  count = 0;
  for (let entryEnd = PART + size; entryEnd > PART; ) {
    const start = entryEnd - load<u32>(entryEnd - 4);
    count++;
    store<u32>(OFFSETS_END - (count << 2), encodeEntry(start, entryEnd - 4));
    entryEnd = start;
  }
  return front;
}

/** Number of entries of the last part. */
export function encodedCount(): u32 {
  return count;
}

/** Largest alignment of a value so far, in bytes. */
export function encodedAlignment(): u32 {
  return alignment;
}

/** Address after the encoded entries. */
export function encodedEnd(): usize {
  return PART + 4 * (partEnd - PART);
}

/** Encodes an entry of the store: see `keepEntry`. @returns its offset */
function encodeEntry(start: usize, end: usize): u32 {
  const time = start + load<u16>(start, 2);
  const group = afterString(time);
  const user = afterString(group);
  const link = afterString(user);
  const type = afterString(link);
  const name = afterString(type);
  const records = afterString(name);
  const first = putStrings(time, records);
  const vector = putRecords(records, end);

  const tableEnd = written;
  const mask = <u32>load<u16>(start);
  const vtable = VTABLES + <usize>((mask << 1) | ((tableEnd >> 2) & 1)) * VTABLE_SLOT;
  next = start + 4;
  putReference(NAME, first - <u32>(name - time));
  putReference(TYPE, first - <u32>(type - time));
  putNumber(UNCOMPRESSED_OFFSET, mask & HAS_OFFSET);
  putNumber(UNCOMPRESSED_SIZE, mask & HAS_SIZE);
  putReference(LINK_NAME, first - <u32>(link - time));
  putNumber(MODE, mask & HAS_MODE);
  putId(UID, mask & HAS_UID);
  putId(GID, mask & HAS_GID);
  putReference(USER_NAME, first - <u32>(user - time));
  putReference(GROUP_NAME, first - <u32>(group - time));
  putReference(MOD_TIME, first);
  putNumber(DEV_MAJOR, mask & HAS_MAJOR);
  putNumber(DEV_MINOR, mask & HAS_MINOR);
  putReference(RECORDS, vector);
  putInt32(0);
  const table = written;
  const at = front;
  if (load<u32>(vtable) == 0) putVtable(vtable, table - tableEnd);
  store<u32>(at, load<u32>(vtable) - table);
  return table;
}

/** Writes the vtable of the table that ends the buffer, unless an equal one exists, and keeps it at `slot` of VTABLES. */
function putVtable(slot: usize, tableSize: u32): void {
  const table = written;
  store<u16>(slot, <u16>VTABLE_SIZE, 4);
  store<u16>(slot, <u16>tableSize, 6);
  for (let field: usize = 0; field < FIELDS; field++) {
    const offset = load<u32>(FIELD_OFFSETS + (field << 2));
    store<u16>(slot + (field << 1), <u16>(offset == 0 ? 0 : table - offset), 8);
  }
  // Only the layout with the other alignment has the same fields.
  const index = (slot - VTABLES) / VTABLE_SLOT;
  const other = VTABLES + (index ^ 1) * VTABLE_SLOT;
  if (load<u32>(other) != 0 && memory.compare(slot + 4, other + 4, VTABLE_SIZE) == 0) {
    store<u32>(slot, load<u32>(other));
    return;
  }
  front -= VTABLE_SIZE;
  written += <u32>VTABLE_SIZE;
  memory.copy(front, slot + 4, VTABLE_SIZE);
  store<u32>(slot, written);
}

@inline
function afterString(start: usize): usize {
  return start + 4 + ((load<u32>(start) + 4) & ~3);
}

/** Writes strings that are encoded already. @returns offset of the first one */
function putStrings(start: usize, end: usize): u32 {
  const size = end - start;
  front -= size;
  written += <u32>size;
  memory.copy(front, start, size);
  return written;
}

function putInt32(value: u32): void {
  front -= 4;
  written += 4;
  store<u32>(front, value);
}

function putReference(field: usize, target: u32): void {
  putInt32(written + 4 - target);
  store<u32>(FIELD_OFFSETS + (field << 2), written);
}

/** Writes the next number of the entry, unless it is 0. */
function putNumber(field: usize, exists: u32): void {
  if (exists) {
    alignment = 8;
    if (written & 4) putInt32(0);
    putInt32(load<u32>(next, 4));
    putInt32(load<u32>(next));
    next += 8;
  }
  store<u32>(FIELD_OFFSETS + (field << 2), exists ? written : 0);
}

/** Writes the next user or group ID of the entry, unless it is 0. */
function putId(field: usize, exists: u32): void {
  if (exists) {
    putInt32(load<u32>(next));
    next += 4;
  }
  store<u32>(FIELD_OFFSETS + (field << 2), exists ? written : 0);
}

/** Writes the PAX records of an entry, and the vector of them. @returns offset of the vector */
function putRecords(start: usize, end: usize): u32 {
  let count: u32 = 0;
  for (let value = start; value < end; count++) {
    const key = afterString(value);
    const next = afterString(key);
    const first = putStrings(value, next);
    putInt32(written + 4 - (first - <u32>(key - value)));
    putInt32(written + 4 - first);
    putInt32(0);
    const table = written;
    const at = front;
    if (recordVtable == 0) {
      putInt32(<u32>(RECORD_VTABLE >> 32));
      putInt32(<u32>RECORD_VTABLE);
      recordVtable = written;
    }
    store<u32>(at, recordVtable - table);
    // The offset of the table replaces the start of the value, which has at least four bytes with its padding.
    store<u32>(value, table, 4);
    value = next;
  }
  front -= 4 * count + 4;
  store<u32>(front, count);
  written += 4 * count + 4;
  for (let value = start, i: u32 = 0; value < end; value = afterString(afterString(value)), i++) {
    // The offset of element i of the vector is that of the vector less its length and the elements before.
    store<u32>(front + 4 + 4 * i, written - 4 - 4 * i - load<u32>(value, 4));
  }
  return written;
}
