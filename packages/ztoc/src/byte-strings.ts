import { ZtocError } from './errors.ts';

/** Returns the byte at an index that must exist: the index is not checked. */
export function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

/** Safe number of arguments of a call: engines fail above 65,536 or so. */
const CHARACTERS_PER_CALL = 8192;

/**
 * Converts bytes to a string with one character per byte (U+0000 to U+00FF). The string works as a map key, sorts in
 * byte order and preserves bytes that are not UTF-8.
 */
export function toByteString(bytes: Uint8Array, start = 0, end = bytes.length): string {
  // Creating a view costs more than decoding a short string.
  if (bytes.length <= CHARACTERS_PER_CALL && end - start === bytes.length) return decode(bytes);
  if (end - start <= CHARACTERS_PER_CALL) return decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at += CHARACTERS_PER_CALL) {
    text += decode(bytes.subarray(at, Math.min(at + CHARACTERS_PER_CALL, end)));
  }
  return text;
}

/** Converts a byte string back to bytes, which are written to `target` if given. */
export function fromByteString(text: string, target: Uint8Array = new Uint8Array(text.length)): Uint8Array {
  for (let at = 0; at < text.length; at++) target[at] = text.charCodeAt(at);
  return target;
}

function decode(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

const SLAB_SIZE = 1 << 16;

/**
 * Number of strings that {@link BytePool.intern} remembers; a power of two. Layers have few users, groups and PAX keys.
 */
const INTERNED_SLOTS = 1024;

/** Size up to which a temporary pool interns strings, which then need memory for as long as the pool. */
const MAX_INTERNED_SIZE = 64;

/** No bytes: the value of all empty fields. */
export const NO_BYTES = new Uint8Array(0);

/** Options of a {@link BytePool}. */
export interface BytePoolOptions {
  /** Whether the caller copies what it keeps and then calls {@link BytePool.recycle}. @default false */
  readonly isTemporary?: boolean;
}

/**
 * Stores millions of short byte strings as views of shared slabs, because a separate buffer costs several times the
 * size of its content. Counts all of them against a limit, also those that share bytes.
 */
export class BytePool {
  readonly #limit: number;
  readonly #isTemporary: boolean;
  readonly #interned: Uint8Array[] = new Array(INTERNED_SLOTS).fill(NO_BYTES);
  #slab = NO_BYTES;
  #used = 0;
  #charged = 0;

  /** @param limit Maximum total size in bytes. */
  constructor(limit: number, { isTemporary = false }: BytePoolOptions = {}) {
    this.#limit = limit;
    this.#isTemporary = isTemporary;
  }

  /**
   * Allocates `size` bytes for the caller to fill. Throws `LIMIT_EXCEEDED` before allocating too much; `offset` is the
   * position in the tar stream for the message.
   */
  allocate(size: number, offset: number): Uint8Array {
    if (size === 0) return NO_BYTES;
    this.charge(size, offset);
    return this.#reserve(size);
  }

  /** Reuses the memory of all byte strings. Only for a temporary pool. */
  recycle(): void {
    this.#used = 0;
  }

  #reserve(size: number): Uint8Array {
    // A temporary pool keeps its largest slab, so that long names do not allocate memory again and again.
    if (size > SLAB_SIZE / 4 && !this.#isTemporary) return new Uint8Array(size);
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_SIZE, size));
      this.#used = 0;
    }
    this.#used += size;
    return this.#slab.subarray(this.#used - size, this.#used);
  }

  /** Counts `size` bytes that are stored elsewhere. Throws `LIMIT_EXCEEDED` as {@link allocate} does. */
  charge(size: number, offset: number): void {
    this.#charged += size;
    if (this.#charged <= this.#limit) return;
    const message = `names and PAX records up to the tar header at byte ${offset} exceed maxMetadataSize (${this.#limit} bytes). Raise the limit if you trust the layer.`;
    throw new ZtocError('LIMIT_EXCEEDED', message, { offset });
  }

  /** Copies `size` bytes of `source`. */
  copy(source: Uint8Array, start: number, size: number, offset: number): Uint8Array {
    if (size === 0) return NO_BYTES;
    this.charge(size, offset);
    return this.#copy(source, start, size);
  }

  /**
   * Returns a copy of bytes. Recently copied equal bytes share a copy; in a temporary pool only short ones, which are not
   * overwritten.
   */
  intern(source: Uint8Array, start: number, size: number, offset: number): Uint8Array {
    if (size === 0 || (this.#isTemporary && size > MAX_INTERNED_SIZE)) return this.copy(source, start, size, offset);
    this.charge(size, offset);
    let hash = size;
    for (let at = start; at < start + size; at++) hash = Math.imul(hash, 31) + byteAt(source, at);
    const slot = hash & (INTERNED_SLOTS - 1);
    const known = this.#interned[slot] ?? NO_BYTES;
    if (equalBytes(known, source, start, size)) return known;
    const copy = this.#isTemporary ? source.slice(start, start + size) : this.#copy(source, start, size);
    this.#interned[slot] = copy;
    return copy;
  }

  #copy(source: Uint8Array, start: number, size: number): Uint8Array {
    const copy = this.#reserve(size);
    for (let at = 0; at < size; at++) copy[at] = byteAt(source, start + at);
    return copy;
  }
}

/** Reports whether `bytes` equal the `size` bytes of `source` at `start`. */
export function equalBytes(bytes: Uint8Array, source: Uint8Array, start: number, size: number): boolean {
  if (bytes.length !== size) return false;
  for (let at = 0; at < size; at++) if (bytes[at] !== source[start + at]) return false;
  return true;
}
