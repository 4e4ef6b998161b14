import type { PathHash, PathNames } from './path-names.ts';

const INITIAL_CAPACITY = 1 << 8;
/** Number of the root directory of a {@link PathTable}. */
const ROOT = 1;
/** Result of {@link PathTable.find} for a path that does not exist. */
export const ABSENT = 0;

/**
 * The files of a layer by path, as the runtime stores them (metadata/reader.go, `initNodes`): a directory that no entry
 * describes exists if it is in the path of an entry, and several paths can have the same file. Needs about 32 bytes for
 * each path. Compares 64-bit hashes of names, so that names need no memory.
 */
export class PathTable {
  readonly #maxPaths: number;
  /** For each slot: parent, two hashes of the name, and the file. The file is `ABSENT` in an empty slot. */
  #slots: Uint32Array<ArrayBuffer>;
  #paths = 0;
  #files = ROOT;

  /** @param maxPaths Maximum number of paths. @param expected Number of paths for which memory is allocated at the start. */
  constructor(maxPaths: number, expected: number) {
    this.#maxPaths = maxPaths;
    let capacity = INITIAL_CAPACITY;
    while (2 * capacity < 3 * expected) capacity *= 2;
    this.#slots = new Uint32Array(4 * capacity);
  }

  /** Whether a path was not added because of the limit. Results are unreliable from then on. */
  get isFull(): boolean {
    return this.#paths > this.#maxPaths;
  }

  /** The highest number of a file. Numbers start at 1. */
  get files(): number {
    return this.#files;
  }

  /** Returns the number of a file, or `ABSENT`. */
  find(path: PathNames): number {
    let file = ROOT;
    for (let name = 0; name < path.length && file !== ABSENT; name++) file = this.#child(file, path, name);
    return file;
  }

  /** Adds a path with a new file, or replaces its file. Returns the number of the file. */
  add(path: PathNames): number {
    const file = ++this.#files;
    this.link(path, file);
    return file;
  }

  /** Adds a path with an existing file, or replaces its file. */
  link(path: PathNames, file: number): void {
    if (path.length === 0) return;
    let parent = ROOT;
    for (let name = 0; name < path.length - 1; name++) {
      let directory = this.#child(parent, path, name);
      if (directory === ABSENT) {
        directory = ++this.#files;
        this.#set(parent, path, name, directory);
      }
      parent = directory;
    }
    this.#set(parent, path, path.length - 1, file);
  }

  /** Returns for each file, by its number, 1 if it has a path from the root. */
  findReachable(): Uint8Array {
    const slots = this.#slots;
    // The slots of each directory are a list. Slot numbers count from 1, and 0 ends the list.
    const first = new Uint32Array(this.#files + 1);
    const next = new Uint32Array(slots.length / 4 + 1);
    for (let slot = 0; slot < slots.length; slot += 4) {
      if (slots[slot + 3] === ABSENT) continue;
      const parent = slots[slot] as number;
      next[slot / 4 + 1] = first[parent] as number;
      first[parent] = slot / 4 + 1;
    }
    const reachable = new Uint8Array(this.#files + 1);
    reachable[ROOT] = 1;
    const open = [ROOT];
    for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
      for (let at = first[parent] as number; at !== 0; at = next[at] as number) {
        const file = slots[4 * at - 1] as number;
        // Hard links to directories can form a circle.
        if (reachable[file] === 1) continue;
        reachable[file] = 1;
        open.push(file);
      }
    }
    return reachable;
  }

  #child(parent: number, path: PathNames, name: number): number {
    const { first, second } = path.hashOfName(name);
    return this.#slots[this.#slotOf(parent, first, second) + 3] as number;
  }

  #set(parent: number, path: PathNames, name: number, file: number): void {
    if (this.isFull) return;
    const { first, second } = path.hashOfName(name);
    let slot = this.#slotOf(parent, first, second);
    if (this.#slots[slot + 3] === ABSENT) {
      if (++this.#paths * 6 > this.#slots.length) {
        this.#grow();
        slot = this.#slotOf(parent, first, second);
      }
      this.#slots.set([parent, first, second], slot);
    }
    this.#slots[slot + 3] = file;
  }

  /** Returns the slot of a path, or the empty slot for it. */
  #slotOf(parent: number, first: number, second: number): number {
    const slots = this.#slots;
    const mask = slots.length / 4 - 1;
    for (let at = (Math.imul(parent, 0x9e3779b1) ^ first) & mask; ; at = (at + 1) & mask) {
      const slot = 4 * at;
      if (slots[slot + 3] === ABSENT) return slot;
      if (slots[slot] === parent && slots[slot + 1] === first && slots[slot + 2] === second) return slot;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (let slot = 0; slot < old.length; slot += 4) {
      if (old[slot + 3] === ABSENT) continue;
      const target = this.#slotOf(old[slot] as number, old[slot + 1] as number, old[slot + 2] as number);
      this.#slots.set(old.subarray(slot, slot + 4), target);
    }
  }
}

/** A set of paths. Needs about 16 bytes for each: it keeps only 64-bit hashes. */
export class PathSet {
  #hashes = new Uint32Array(2 * INITIAL_CAPACITY);
  #size = 0;

  /** Returns whether the set has a path. */
  has(path: PathHash): boolean {
    return this.#hashes[this.#slotOf(path.first, path.second)] !== 0;
  }

  /** Returns the number of names of the longest path in the set that is the path or one of its directories. 0 for none. */
  countNames(path: PathNames): number {
    let longest = 0;
    path.visitPrefixes((first, second, count) => {
      if (this.#hashes[this.#slotOf(first, second)] !== 0) longest = count;
    });
    return longest;
  }

  /** Adds a path, but not its directories. */
  add(path: PathHash): void {
    this.#add(path.first, path.second);
  }

  /** Adds a path and its directories. Returns the numbers of names of those that are new. */
  addAll(path: PathNames): readonly number[] {
    const added: number[] = [];
    path.visitPrefixes((first, second, count) => {
      if (this.#add(first, second)) added.push(count);
    });
    return added;
  }

  #add(first: number, second: number): boolean {
    if (this.#hashes[this.#slotOf(first, second)] !== 0) return false;
    this.#size += 1;
    if (this.#size * 3 > this.#hashes.length) this.#grow();
    this.#put(first, second);
    return true;
  }

  /** Returns the slot of a path, or the empty slot for it. */
  #slotOf(first: number, second: number): number {
    const hashes = this.#hashes;
    const mask = hashes.length / 2 - 1;
    for (let at = second & mask; ; at = (at + 1) & mask) {
      const slot = 2 * at;
      if (hashes[slot] === 0 || (hashes[slot] === first && hashes[slot + 1] === second)) return slot;
    }
  }

  #grow(): void {
    const old = this.#hashes;
    this.#hashes = new Uint32Array(2 * old.length);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] === 0) continue;
      this.#put(old[at] as number, old[at + 1] as number);
    }
  }

  #put(first: number, second: number): void {
    const slot = this.#slotOf(first, second);
    this.#hashes[slot] = first;
    this.#hashes[slot + 1] = second;
  }
}
