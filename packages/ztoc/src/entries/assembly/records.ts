// Reads PAX headers that contain only long names, as Go writes them for Docker and BuildKit (archive/tar/reader.go,
// `parsePAX`). Everything else is left to ../../tar/entry-extensions.ts.

import { RECORDS, RECORDS_BODY } from './memory';
import { putString } from './store';

const KEY_PATH: u32 = 0x68746170; // "path"
const KEY_LINK: u64 = 0x687461706b6e696c; // "linkpath"
const PATH_SIZE: usize = 4;
const LINK_SIZE: usize = 8;

/** Bytes of a record that count against `maxMetadataSize`, in addition to its key and value. */
const OVERHEAD: usize = 32;

/** Value of each record, and its size, which is 0 if the record is missing. */
export let path: usize = 0;
export let pathSize: usize = 0;
export let link: usize = 0;
export let linkSize: usize = 0;

/** Size of the records at RECORDS. */
export let recordsSize: usize = 0;

/** Number of records. */
export function recordCount(): u32 {
  return <u32>(pathSize > 0) + <u32>(linkSize > 0);
}

/**
 * Reads the `size` bytes at RECORDS_BODY, at most 4,096.
 * @returns the bytes that count against `maxMetadataSize`, or 0 if there are other records, or invalid ones
 */
export function readPlainRecords(size: usize): usize {
  pathSize = 0;
  linkSize = 0;
  const end = RECORDS_BODY + size;
  let at = RECORDS_BODY;
  while (at < end) {
    let length: usize = 0;
    let key = at;
    for (; key < end && key - at < 4; key++) {
      const digit = <u32>load<u8>(key) - 0x30;
      if (digit > 9) break;
      length = length * 10 + digit;
    }
    const next = at + length;
    if (load<u8>(at) == 0x30 || load<u8>(key) != 0x20 || next > end || load<u8>(next - 1) != 0x0a) return 0;
    key++;
    let value: usize;
    if (load<u32>(key) == KEY_PATH && load<u8>(key, PATH_SIZE) == 0x3d && pathSize == 0) {
      value = key + PATH_SIZE + 1;
      path = value;
      pathSize = next - 1 - value;
    } else if (load<u64>(key) == KEY_LINK && load<u8>(key, LINK_SIZE) == 0x3d && linkSize == 0) {
      value = key + LINK_SIZE + 1;
      link = value;
      linkSize = next - 1 - value;
    } else return 0;
    // An empty value removes a record, and the key of a short record may be in the next one.
    if (value >= next - 1) return 0;
    for (; value < next - 1; value++) if (load<u8>(value) == 0) return 0;
    at = next;
  }
  let target = RECORDS;
  // In the order of their keys.
  if (linkSize > 0) target = putRecord(target, link, linkSize, KEY_LINK, LINK_SIZE);
  if (pathSize > 0) target = putRecord(target, path, pathSize, <u64>KEY_PATH, PATH_SIZE);
  recordsSize = target - RECORDS;
  return pathSize + linkSize + (pathSize > 0 ? PATH_SIZE + OVERHEAD : 0) + (linkSize > 0 ? LINK_SIZE + OVERHEAD : 0);
}

function putRecord(target: usize, value: usize, size: usize, key: u64, keySize: usize): usize {
  target = putString(target, value, size);
  store<u32>(target, <u32>keySize);
  store<u64>(target, key, 4);
  store<u32>(target + keySize, 0, 4);
  return target + 4 + ((keySize + 4) & ~3);
}
