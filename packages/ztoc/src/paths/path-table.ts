import { byteAt, toByteString } from '../byte-strings.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const FNV_PRIME = 0x01000193;
const INITIAL_CAPACITY = 1 << 8;
/**
 * Different seeds make the two 32-bit hashes of a name independent. They are random, because a layer could otherwise have
 * names with equal hashes: 80,000 of them took 15 s.
 */
const SEEDS = [randomSeed(), randomSeed()] as const;

/** Number of the root directory of a {@link PathTable}. */
const ROOT = 1;
/** Result of {@link PathTable.find} for a path that does not exist. */
export const ABSENT = 0;

/** Two independent 32-bit hashes of a path, to which names are added. */
export class PathHash {
  #first: number = SEEDS[0];
  #second: number = SEEDS[1];

  /** The first hash, which is not 0. */
  get first(): number {
    return mix(this.#first) || 1;
  }

  /** The second hash. */
  get second(): number {
    return mix(this.#second);
  }

  /** Returns to the root. */
  reset(): void {
    this.#first = SEEDS[0];
    this.#second = SEEDS[1];
  }

  /** Becomes equal to another hash. */
  copy(other: PathHash): void {
    this.#first = other.#first;
    this.#second = other.#second;
  }

  /** Adds a name: the bytes from `start` to `end`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    let first = Math.imul(this.#first ^ SLASH, FNV_PRIME);
    let second = Math.imul(this.#second ^ SLASH, FNV_PRIME);
    for (let at = start; at < end; at++) {
      const byte = byteAt(bytes, at);
      first = Math.imul(first ^ byte, FNV_PRIME);
      second = Math.imul(second ^ byte, FNV_PRIME);
    }
    this.#first = first;
    this.#second = second;
  }
}

/**
 * A path as the names between its slashes, without empty names, `.` and `..`, like Go's `filepath.Clean('/' + path)`. The
 * names are positions in the path's bytes. Reused for the next path, because a layer can have millions of them.
 */
export class PathNames {
  /** Number of names. 0 for the root. */
  length = 0;
  readonly #bounds: number[] = [];
  readonly #hash = new PathHash();
  #bytes: Uint8Array = new Uint8Array(0);

  /** Splits a path: the first `end` bytes. */
  set(bytes: Uint8Array, end = bytes.length): this {
    this.#bytes = bytes;
    this.length = 0;
    let start = 0;
    for (let at = 0; at <= end; at++) {
      if (at < end && byteAt(bytes, at) !== SLASH) continue;
      this.#add(start, at);
      start = at + 1;
    }
    return this;
  }

  /** Returns the position of the first byte of a name. */
  start(name: number): number {
    return this.#bounds[2 * name] as number;
  }

  /** Returns the position after the last byte of a name. */
  end(name: number): number {
    return this.#bounds[2 * name + 1] as number;
  }

  /** Returns a 32-bit hash of a name. */
  hashOfName(name: number, seed: number): number {
    return mix(this.#hashInto(seed, name));
  }

  /**
   * Calls `visit` for each directory of the path, from the top, and for the path itself, with two hashes of the path up to
   * there. The first hash is not 0. Takes time in proportion to the length of the path.
   */
  visitPrefixes(visit: (first: number, second: number, count: number) => void): void {
    const hash = new PathHash();
    for (let name = 0; name < this.length; name++) {
      this.#append(hash, name);
      visit(hash.first, hash.second, name + 1);
    }
  }

  /** The hash of the path. The next path overwrites it. */
  get hash(): PathHash {
    this.#hash.reset();
    for (let name = 0; name < this.length; name++) this.#append(this.#hash, name);
    return this.#hash;
  }

  #append(hash: PathHash, name: number): void {
    hash.append(this.#bytes, this.#bounds[2 * name] as number, this.#bounds[2 * name + 1] as number);
  }

  #hashInto(state: number, name: number): number {
    const end = this.#bounds[2 * name + 1] as number;
    let hash = state;
    for (let at = this.#bounds[2 * name] as number; at < end; at++) {
      hash = Math.imul(hash ^ byteAt(this.#bytes, at), FNV_PRIME);
    }
    return hash;
  }

  /** Returns the first `count` names, joined by slashes, as a string with one character per byte. */
  join(count: number): string {
    const names: string[] = [];
    for (let name = 0; name < count; name++) {
      names.push(toByteString(this.#bytes, this.#bounds[2 * name], this.#bounds[2 * name + 1]));
    }
    return names.join('/');
  }

  #add(start: number, end: number): void {
    const bytes = this.#bytes;
    if (end === start || (end === start + 1 && bytes[start] === DOT)) return;
    if (end === start + 2 && bytes[start] === DOT && bytes[start + 1] === DOT) {
      if (this.length > 0) this.length -= 1;
      return;
    }
    this.#bounds[2 * this.length] = start;
    this.#bounds[2 * this.length + 1] = end;
    this.length += 1;
  }
}

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

  /** Returns the number of a file, or `ABSENT`. */
  find(path: PathNames): number {
    let file = ROOT;
    for (let name = 0; name < path.length && file !== ABSENT; name++) file = this.#child(file, path, name);
    return file;
  }

  /** Adds a path with a new file, or replaces its file. */
  add(path: PathNames): void {
    this.link(path, ++this.#files);
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

  #child(parent: number, path: PathNames, name: number): number {
    const [first, second] = [path.hashOfName(name, SEEDS[0]), path.hashOfName(name, SEEDS[1])];
    return this.#slots[this.#slotOf(parent, first, second) + 3] as number;
  }

  #set(parent: number, path: PathNames, name: number, file: number): void {
    if (this.isFull) return;
    const [first, second] = [path.hashOfName(name, SEEDS[0]), path.hashOfName(name, SEEDS[1])];
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

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/** Ends a hash: FNV-1a mixes the last bytes poorly. */
function mix(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
