import type { FileEntry, FileType } from '@soci/ztoc';

/** The part of an entry that {@link EntryNames} keeps. */
export type NamedEntry = Pick<FileEntry, 'name'> & { readonly type: 'symlink' | 'reg' };

const INITIAL_SIZE = 1 << 12;

/** Bytes of a length that {@link EntryNames} writes, at most. Names have less than 2^32 bytes. */
const MAX_LENGTH_BYTES = 5;

/**
 * Keeps the names of a layer's entries, and which of them are symbolic links, in about 15 bytes each. Each name is stored as
 * the number of bytes that it shares with the start of the previous one, and the others.
 */
export class EntryNames {
  #bytes = new Uint8Array(INITIAL_SIZE);
  #size = 0;
  #previous: Uint8Array = new Uint8Array(0);
  #previousSize = 0;

  /** Adds an entry: its type, and its name, which is `bytes` from `start` to `end`, and may be overwritten afterwards. */
  add(type: FileType, bytes: Uint8Array, start = 0, end = bytes.length): void {
    const size = end - start;
    const most = Math.min(size, this.#previousSize);
    let shared = 0;
    while (shared < most && bytes[start + shared] === this.#previous[shared]) shared++;
    this.#reserve(2 * MAX_LENGTH_BYTES + size - shared);
    this.#writeLength(2 * shared + (type === 'symlink' ? 1 : 0));
    this.#writeLength(size - shared);
    if (size > this.#previous.length) {
      const longer = new Uint8Array(2 * size);
      longer.set(this.#previous.subarray(0, shared));
      this.#previous = longer;
    }
    for (let at = shared; at < size; at++) {
      const byte = bytes[start + at] as number;
      this.#bytes[this.#size++] = byte;
      this.#previous[at] = byte;
    }
    this.#previousSize = size;
  }

  /** Returns the names as bytes that {@link readEntryNames} reads. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  #reserve(count: number): void {
    if (this.#size + count <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#size + count));
    larger.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = larger;
  }

  /** Writes seven bits per byte, the lowest first. */
  #writeLength(length: number): void {
    let rest = length;
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) this.#bytes[this.#size++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#size++] = rest;
  }
}

/** Returns the entries of {@link EntryNames}. All entries that are not symbolic links have the type `reg`. Can be iterated several times. */
export function readEntryNames(bytes: Uint8Array): Iterable<NamedEntry> {
  return { [Symbol.iterator]: () => decodeNames(bytes) };
}

function* decodeNames(bytes: Uint8Array): Generator<NamedEntry, void, undefined> {
  let at = 0;
  const readLength = (): number => {
    let length = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = bytes[at++] as number;
      length += (byte & 0x7f) * unit;
      if (byte <= 0x7f) return length;
    }
  };
  let previous: Uint8Array = new Uint8Array(0);
  while (at < bytes.length) {
    const first = readLength();
    const shared = Math.floor(first / 2);
    const rest = readLength();
    const name = new Uint8Array(shared + rest);
    name.set(previous.subarray(0, shared));
    name.set(bytes.subarray(at, at + rest), shared);
    at += rest;
    previous = name;
    yield { name, type: first % 2 === 1 ? 'symlink' : 'reg' };
  }
}
