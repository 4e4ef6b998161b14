// Checks cheaply, while the entries of a layer arrive, what almost all layers have: the entry of each directory before its
// files, and the target of each hard link before the link. Needs 12 to 24 bytes for each entry.

import { growTo, NAMES, PARENT, pathsStart } from './memory';

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;
/** Maximum size of a path in Linux, in bytes (`PATH_MAX`). */
const MAX_PATH: usize = 4096;
const FIRST_SLOTS: usize = 256;

const HARD_LINK: u32 = 1;
const DIRECTORY: u32 = 5;

/** Start of the hash of each path. Random, because a layer could otherwise have paths with equal hashes. */
export let seed: u64 = 0;
/** Whether an entry came before the entry of its directory, if the layer has that one. */
export let mayBeImplied: bool = false;
/** Whether there are hard links. */
let hasHardLinks: bool = false;
/** Whether the target of a hard link may be missing, or the target of later hard links. */
let isUncertain: bool = false;

// The paths so far: 64-bit hashes, whose last bit says whether the path is a directory. Empty slots are 0.
let slots: usize = 0;
let count: usize = 0;

let parentSize: usize = 0;
let parentHash: u64 = 0;

/** Forgets all paths. */
export function resetPaths(): void {
  mayBeImplied = false;
  hasHardLinks = false;
  isUncertain = false;
  parentSize = 0;
  parentHash = seed;
  count = 0;
  slots = FIRST_SLOTS;
  memory.fill(pathsStart, 0, pathsSize());
}

/** Whether a hard link may have no target before it. */
export function mayLackTarget(): bool {
  return hasHardLinks && (isUncertain || mayBeImplied);
}

/** Size of the set of paths in bytes. */
export function pathsSize(): usize {
  return slots << 3;
}

/** Checks the next entry. */
export function checkPath(type: u32, name: usize, nameSize: usize, link: usize, linkSize: usize): void {
  if (type == HARD_LINK) hasHardLinks = true;
  if (mayBeImplied) return;
  if (nameSize > MAX_PATH || linkSize > MAX_PATH) {
    isUncertain = true;
    return;
  }
  let end = nameSize;
  while (end > 0 && load<u8>(name + end - 1) == SLASH) end--;
  const nameEnd = end;
  while (end > 0 && load<u8>(name + end - 1) != SLASH) end--;
  if (!isParent(name, end)) enter(name, end);
  // Names that start with a dot are not only `.` and `..`, but they are rare.
  const isSpecial = end == nameEnd || load<u8>(name + end) == DOT;
  const path = finishHash(isSpecial ? hashPath(name, nameSize) : addToHash(parentHash, name + end, name + nameEnd));
  if (type == DIRECTORY) {
    add(path | 1);
    return;
  }
  // This entry replaces a directory, and what is in it.
  if (has(path | 1)) isUncertain = true;
  if (type == HARD_LINK && !has(finishHash(hashPath(link, linkSize)))) isUncertain = true;
  add(path);
}

function isParent(name: usize, size: usize): bool {
  if (size != parentSize) return false;
  // Names in different directories mostly differ at the end.
  for (let at = size; at > 0; at--) if (load<u8>(name + at - 1) != load<u8>(PARENT + at - 1)) return false;
  return true;
}

function enter(name: usize, size: usize): void {
  memory.copy(PARENT, name, size);
  parentSize = size;
  parentHash = hashPath(name, size);
  // The entry of this directory was checked in the same way, so its parents are known.
  mayBeImplied = parentHash != seed && !has(finishHash(parentHash) | 1);
}

/** Returns the hash of a path without empty names, `.` and `..`, like Go's `filepath.Clean('/' + path)`. */
function hashPath(path: usize, size: usize): u64 {
  let names: usize = 0; // number of names so far
  for (let start: usize = 0, at: usize = 0; at <= size; at++) {
    if (at < size && load<u8>(path + at) != SLASH) continue;
    const length = at - start;
    const isDot = length > 0 && load<u8>(path + start) == DOT;
    if (isDot && length == 2 && load<u8>(path + start, 1) == DOT) {
      if (names > 0) names--;
    } else if (length > 0 && !(isDot && length == 1)) {
      store<u16>(NAMES + (names << 2), <u16>start);
      store<u16>(NAMES + (names << 2), <u16>at, 2);
      names++;
    }
    start = at + 1;
  }
  let hash = seed;
  for (let at = NAMES; at < NAMES + (names << 2); at += 4) {
    hash = addToHash(hash, path + load<u16>(at), path + load<u16>(at, 2));
  }
  return hash;
}

/** Adds a name to the hash of its directory: FNV-1a, with 64 bits. */
function addToHash(hash: u64, start: usize, end: usize): u64 {
  hash = (hash ^ SLASH) * 0x100000001b3;
  for (; start < end; start++) hash = (hash ^ load<u8>(start)) * 0x100000001b3;
  return hash;
}

/** Mixes all bits of a hash, because FNV-1a mixes the last bytes poorly. The last bit of the result is 0, and it is not 0. */
function finishHash(hash: u64): u64 {
  hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15;
  return max<u64>((hash ^ (hash >> 29)) & ~1, 2);
}

/** Returns the address of a hash, or of the empty slot for it. */
function slotOf(hash: u64): usize {
  const mask = slots - 1;
  let slot = <usize>(hash >> 32) & mask;
  while (true) {
    const address = pathsStart + (slot << 3);
    const found = load<u64>(address);
    if (found == hash || found == 0) return address;
    slot = (slot + 1) & mask;
  }
}

function has(hash: u64): bool {
  return load<u64>(slotOf(hash)) != 0;
}

function add(hash: u64): void {
  const address = slotOf(hash);
  if (load<u64>(address) != 0) return;
  store<u64>(address, hash);
  count++;
  if (count * 3 > slots * 2) grow();
}

/** Doubles the set. Its old slots are moved after the new ones meanwhile. */
function grow(): void {
  const size = pathsSize();
  const old = pathsStart + 2 * size;
  growTo(old + size);
  memory.copy(old, pathsStart, size);
  memory.fill(pathsStart, 0, 2 * size);
  slots *= 2;
  for (let at = old; at < old + size; at += 8) {
    const hash = load<u64>(at);
    if (hash != 0) store<u64>(slotOf(hash), hash);
  }
}
