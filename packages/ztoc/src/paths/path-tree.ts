import { byteAt, NO_BYTES } from '../byte-strings.ts';
import type { EntryList } from '../encoding/entry-list.ts';
import { PathNames } from './path-names.ts';

/** Number of the root directory of a {@link PathTree}. */
export const ROOT = 0;
/** No node, or no entry. */
export const NONE = -1;

/** Numbers of a node, in this order: see {@link PathTree}. */
const PARENT = 0;
const HASH = 1;
const NAME_START = 2;
const NAME_END = 3;
const FIRST_CHILD = 4;
const NEXT_SIBLING = 5;
const LAST_ENTRY = 6;
const LAST_FILE = 7;
const LAST_PENDING = 8;
const NODE_SIZE = 9;

/**
 * Maximum number of names of a path: more than Linux accepts. The rest of a longer path is one name, so that a hostile path
 * does not need several times its size.
 */
const MAX_NAMES = 2048;
/** Maximum number of directories on the way to an entry that are remembered for the next one. */
const MAX_OPEN = 256;
/** Number of nodes for which memory is allocated at the start; a power of two. */
const INITIAL_NODES = 1 << 10;
const HASH_SEED = 0x811c9dc5;
const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * The paths of an archive, as a tree of numbered nodes. Directories that only appear in the paths of other entries have a node
 * too. At first it has only directories, each with a list of its entries. These get nodes when something in their directory is
 * looked up: a container start reads few directories of an image. A node needs about 50 bytes plus its name, and an entry 16
 * bytes: objects and strings would need several times as much.
 */
export class PathTree {
  readonly #entries: EntryList;
  /** {@link NODE_SIZE} numbers for each node. */
  #nodes = new Int32Array(INITIAL_NODES * NODE_SIZE);
  #count = 1;
  /** The names of all nodes. */
  #names = new Uint8Array(16 * INITIAL_NODES);
  #namesSize = 0;
  /** Hash table: 0, or the number of a node plus 1. Its size is a power of two. */
  #slots = new Int32Array(2 * INITIAL_NODES);
  /** For each entry, where its last name starts and ends in the bytes of its path. */
  readonly #bounds: Int32Array;
  /** For each entry, the previous one in the same directory, until it has a node. Then the previous one with the same path. */
  readonly #previous: Int32Array;
  readonly #path = new PathNames();
  /** The directories on the way to the previous entry: their nodes, and their sizes in the bytes of its path, with the slash. */
  readonly #open = new Int32Array(MAX_OPEN + 1);
  readonly #openSizes = new Int32Array(MAX_OPEN + 1);
  #openCount = 0;
  /** The bytes that contain the previous path, and where it starts. */
  #lastBytes: Uint8Array = NO_BYTES;
  /** The same bytes in words: the strings of a zTOC are aligned. */
  #words: Int32Array | undefined;
  #lastStart = 0;

  /** @param entries All entries, in archive order. Their names must not change afterwards. */
  constructor(entries: EntryList) {
    this.#entries = entries;
    this.#nodes.fill(NONE, 0, NODE_SIZE);
    this.#bounds = new Int32Array(2 * entries.length);
    this.#previous = new Int32Array(entries.length);
    let entry = 0;
    entries.visit((bytes, start, end) => this.#add(entry++, bytes, start, end));
  }

  /** Returns the node of a path, or {@link NONE}. */
  find(path: Uint8Array): number {
    const names = this.#path.set(path);
    let node = ROOT;
    for (let name = 0; name < names.length && node !== NONE; name++) {
      const isRest = name === MAX_NAMES - 1;
      const [start, end] = [names.start(name), names.end(isRest ? names.length - 1 : name)];
      this.#addItems(node);
      node = this.#child(node, hashOf(path, start, end), path, start, end);
      if (isRest) break;
    }
    return node;
  }

  /** Returns the last entry with the path of a node, or {@link NONE}. */
  lastEntry(node: number): number {
    return this.#nodes[node * NODE_SIZE + LAST_ENTRY] as number;
  }

  /** Returns the previous entry with the same path as an entry that {@link lastEntry} or this method returned, or {@link NONE}. */
  previousEntry(entry: number): number {
    return this.#previous[entry] as number;
  }

  /** Returns the last entry that replaced a directory above a node by something else, or {@link NONE}. */
  lastReplacement(node: number): number {
    const nodes = this.#nodes;
    let last = NONE;
    for (
      let at = nodes[node * NODE_SIZE + PARENT] as number;
      at > ROOT;
      at = nodes[at * NODE_SIZE + PARENT] as number
    ) {
      last = Math.max(last, nodes[at * NODE_SIZE + LAST_FILE] as number);
    }
    return last;
  }

  /** Yields the nodes in a directory, in no particular order. */
  *children(node: number): Generator<number, void, void> {
    this.#addItems(node);
    let child = this.#nodes[node * NODE_SIZE + FIRST_CHILD] as number;
    for (; child !== NONE; child = this.#nodes[child * NODE_SIZE + NEXT_SIBLING] as number) yield child;
  }

  /** Returns the name of a node. The bytes are shared. */
  nameOf(node: number): Uint8Array {
    const at = node * NODE_SIZE;
    return this.#names.subarray(this.#nodes[at + NAME_START], this.#nodes[at + NAME_END]);
  }

  /**
   * Adds an entry whose path is `bytes` from `start` to `pathEnd` to its directory. Creates the directory. Consecutive entries
   * are often in the same directory, or in one next to it, so this only looks at the rest of the path. One loop without calls
   * is fast before it is compiled: most images have fewer entries than V8 needs to find out that this is hot.
   */
  #add(entry: number, bytes: Uint8Array, start: number, pathEnd: number): void {
    const end = pathEnd > start && byteAt(bytes, pathEnd - 1) === SLASH ? pathEnd - 1 : pathEnd;
    const last = this.#lastBytes;
    const shift = this.#lastStart - start;
    let open = this.#openCount;
    const commonEnd = start + Math.min(end - start, this.#openSizes[open] as number);
    let common = start;
    if (bytes === last && ((start | this.#lastStart) & 3) === 0) {
      this.#words ??= wordsOf(bytes);
      const words = this.#words;
      const wordsEnd = Math.min(commonEnd >> 2, words.length);
      let word = start >> 2;
      while (word < wordsEnd && words[word] === words[word + (shift >> 2)]) word++;
      common = word << 2;
    }
    while (common < commonEnd && bytes[common] === last[common + shift]) common++;
    while ((this.#openSizes[open] as number) > common - start) open--;
    let directory = this.#open[open] as number;
    let nameStart = start + (this.#openSizes[open] as number);
    for (let at = nameStart; at < end; at++) {
      if (bytes[at] !== SLASH) continue;
      const isSkipped = at === nameStart || (at === nameStart + 1 && bytes[nameStart] === DOT);
      if (open === MAX_OPEN || (!isSkipped && !isPlainName(bytes, nameStart, at))) {
        this.#addAnyPath(entry, bytes, start, end);
        return;
      }
      if (!isSkipped) directory = this.#childOrNew(directory, bytes, nameStart, at);
      open++;
      nameStart = at + 1;
      this.#open[open] = directory;
      this.#openSizes[open] = nameStart - start;
    }
    if (!isPlainName(bytes, nameStart, end)) {
      this.#addAnyPath(entry, bytes, start, end);
      return;
    }
    this.#openCount = open;
    if (bytes !== last) [this.#lastBytes, this.#words] = [bytes, undefined];
    this.#lastStart = start;
    this.#addPending(directory, entry, nameStart, end);
  }

  /** Adds an entry like {@link #add}: the path may be that of the root, contain `..`, or have too many names. */
  #addAnyPath(entry: number, bytes: Uint8Array, start: number, end: number): void {
    this.#openCount = 0;
    const path = bytes.subarray(start, end);
    const names = this.#path.set(path);
    const count = Math.min(names.length, MAX_NAMES);
    if (count === 0) {
      this.#setEntry(ROOT, entry);
      return;
    }
    let directory = ROOT;
    for (let name = 0; name < count - 1; name++) {
      directory = this.#childOrNew(directory, path, names.start(name), names.end(name));
    }
    this.#addPending(directory, entry, start + names.start(count - 1), start + names.end(names.length - 1));
  }

  #addPending(directory: number, entry: number, nameStart: number, nameEnd: number): void {
    const at = directory * NODE_SIZE + LAST_PENDING;
    this.#bounds[2 * entry] = nameStart;
    this.#bounds[2 * entry + 1] = nameEnd;
    this.#previous[entry] = this.#nodes[at] as number;
    this.#nodes[at] = entry;
  }

  /** Adds nodes for the entries in a directory. */
  #addItems(directory: number): void {
    const at = directory * NODE_SIZE + LAST_PENDING;
    const pending: number[] = [];
    for (let entry = this.#nodes[at] as number; entry !== NONE; entry = this.#previous[entry] as number) {
      pending.push(entry);
    }
    this.#nodes[at] = NONE;
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      const [start, end] = [this.#bounds[2 * entry] as number, this.#bounds[2 * entry + 1] as number];
      this.#setEntry(this.#childOrNew(directory, this.#entries.bytesOf(entry), start, end), entry);
    }
  }

  /** Sets the last entry with the path of a node. */
  #setEntry(node: number, entry: number): void {
    const at = node * NODE_SIZE;
    this.#previous[entry] = this.#nodes[at + LAST_ENTRY] as number;
    this.#nodes[at + LAST_ENTRY] = entry;
    if (!this.#entries.isDirectory(entry)) this.#nodes[at + LAST_FILE] = entry;
  }

  #childOrNew(parent: number, path: Uint8Array, start: number, end: number): number {
    const hash = hashOf(path, start, end);
    const known = this.#child(parent, hash, path, start, end);
    if (known !== NONE) return known;
    if ((this.#count + 1) * NODE_SIZE > this.#nodes.length) this.#growNodes();
    if (2 * (this.#count + 1) > this.#slots.length) this.#growSlots();
    const nameStart = this.#addName(path, start, end);
    const node = this.#count++;
    const at = node * NODE_SIZE;
    const nodes = this.#nodes;
    nodes[at + PARENT] = parent;
    nodes[at + HASH] = hash;
    nodes[at + NAME_START] = nameStart;
    nodes[at + NAME_END] = this.#namesSize;
    nodes[at + FIRST_CHILD] = NONE;
    nodes[at + NEXT_SIBLING] = nodes[parent * NODE_SIZE + FIRST_CHILD] as number;
    nodes[at + LAST_ENTRY] = NONE;
    nodes[at + LAST_FILE] = NONE;
    nodes[at + LAST_PENDING] = NONE;
    nodes[parent * NODE_SIZE + FIRST_CHILD] = node;
    this.#insert(node);
    return node;
  }

  #child(parent: number, hash: number, path: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const nodes = this.#nodes;
    const mask = slots.length - 1;
    for (let slot = slotOf(parent, hash) & mask; ; slot = (slot + 1) & mask) {
      const node = (slots[slot] as number) - 1;
      if (node === NONE) return NONE;
      const at = node * NODE_SIZE;
      if (nodes[at + HASH] !== hash || nodes[at + PARENT] !== parent) continue;
      if (this.#hasName(at, path, start, end)) return node;
    }
  }

  #hasName(at: number, path: Uint8Array, start: number, end: number): boolean {
    const names = this.#names;
    const from = this.#nodes[at + NAME_START] as number;
    if ((this.#nodes[at + NAME_END] as number) - from !== end - start) return false;
    for (let i = start; i < end; i++) if (path[i] !== names[from + i - start]) return false;
    return true;
  }

  #insert(node: number): void {
    const slots = this.#slots;
    const at = node * NODE_SIZE;
    const mask = slots.length - 1;
    let slot = slotOf(this.#nodes[at + PARENT] as number, this.#nodes[at + HASH] as number) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = node + 1;
  }

  /** Copies a name. Returns its position. */
  #addName(path: Uint8Array, start: number, end: number): number {
    const at = this.#namesSize;
    const size = at + end - start;
    if (size > this.#names.length) {
      const names = new Uint8Array(Math.max(size, 2 * this.#names.length));
      names.set(this.#names);
      this.#names = names;
    }
    for (let i = start; i < end; i++) this.#names[at + i - start] = byteAt(path, i);
    this.#namesSize = size;
    return at;
  }

  #growNodes(): void {
    const nodes = new Int32Array(2 * this.#nodes.length);
    nodes.set(this.#nodes);
    this.#nodes = nodes;
  }

  #growSlots(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let node = 1; node < this.#count; node++) this.#insert(node);
  }
}

/** Returns bytes as words; none if they are not aligned. */
function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array {
  return byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, byteLength >> 2) : new Int32Array(0);
}

/** Returns whether a name is not empty, `.` or `..`. */
function isPlainName(path: Uint8Array, start: number, end: number): boolean {
  if (end - start > 2) return true;
  if (end <= start) return false;
  for (let at = start; at < end; at++) if (path[at] !== DOT) return true;
  return false;
}

function hashOf(path: Uint8Array, start: number, end: number): number {
  let hash = HASH_SEED;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ byteAt(path, at), 0x01000193);
  return hash;
}

/** Mixes the hash of a name with its directory. */
function slotOf(parent: number, hash: number): number {
  const mixed = Math.imul(hash ^ Math.imul(parent, 0x9e3779b1), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 15);
}
