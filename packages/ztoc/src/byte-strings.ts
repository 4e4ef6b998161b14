import { ZtocError } from './errors.ts';

/** The byte at a place that exists: reading beyond the end is a fault of the caller, and not looked for. */
export function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

/** Arguments that a call may safely have: engines give up somewhere above 65,536. */
const CHARACTERS_PER_CALL = 8192;

/**
 * Bytes as a string of one character a byte (U+0000 to U+00FF): a key for maps, comparable in byte order, with nothing
 * lost when the bytes are no UTF-8.
 */
export function toByteString(bytes: Uint8Array, start = 0, end = bytes.length): string {
  // A view costs more than a short string.
  if (bytes.length <= CHARACTERS_PER_CALL && end - start === bytes.length) return decode(bytes);
  if (end - start <= CHARACTERS_PER_CALL) return decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at += CHARACTERS_PER_CALL) {
    text += decode(bytes.subarray(at, Math.min(at + CHARACTERS_PER_CALL, end)));
  }
  return text;
}

/** The bytes of a byte string; `target`, if given, is what they are written into. */
export function fromByteString(text: string, target: Uint8Array = new Uint8Array(text.length)): Uint8Array {
  for (let at = 0; at < text.length; at++) target[at] = text.charCodeAt(at);
  return target;
}

function decode(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

const SLAB_SIZE = 1 << 16;

/** Strings remembered for {@link BytePool.intern}; a power of two. Layers have few users, groups and PAX keys. */
const INTERNED_SLOTS = 1024;

/** No bytes: shared by every field that is empty. */
export const NO_BYTES = new Uint8Array(0);

/**
 * Keeps millions of short byte strings: as views of shared slabs, because a buffer of its own costs each several times
 * what it holds.
 */
export class BytePool {
  readonly #limit: number;
  readonly #interned: Uint8Array[] = new Array(INTERNED_SLOTS).fill(NO_BYTES);
  #slab = NO_BYTES;
  #used = 0;
  #charged = 0;

  /** @param limit Bytes that may be kept, all together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Room for `size` bytes, for the caller to fill. Throws `LIMIT_EXCEEDED` before anything is allocated; `offset` is
   * where in the tar stream the need arose.
   */
  take(size: number, offset: number): Uint8Array {
    if (size === 0) return NO_BYTES;
    this.charge(size, offset);
    if (size > SLAB_SIZE / 4) return new Uint8Array(size);
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_SIZE);
      this.#used = 0;
    }
    this.#used += size;
    return this.#slab.subarray(this.#used - size, this.#used);
  }

  /** Counts `size` bytes that are kept elsewhere. Throws `LIMIT_EXCEEDED` as {@link take} does. */
  charge(size: number, offset: number): void {
    this.#charged += size;
    if (this.#charged <= this.#limit) return;
    const message = `Names and PAX records up to the tar header at byte ${offset} take more than maxMetadataSize, ${this.#limit} bytes: raise that limit if the layer is trusted.`;
    throw new ZtocError('LIMIT_EXCEEDED', message, { offset });
  }

  /** A copy of `size` bytes of `source`. */
  copy(source: Uint8Array, start: number, size: number, offset: number): Uint8Array {
    const copy = this.take(size, offset);
    for (let at = 0; at < size; at++) copy[at] = byteAt(source, start + at);
    return copy;
  }

  /** A copy that is, where the same bytes were asked for lately, the same copy. */
  intern(source: Uint8Array, start: number, size: number, offset: number): Uint8Array {
    if (size === 0) return NO_BYTES;
    let hash = size;
    for (let at = start; at < start + size; at++) hash = Math.imul(hash, 31) + byteAt(source, at);
    const slot = hash & (INTERNED_SLOTS - 1);
    const known = this.#interned[slot] ?? NO_BYTES;
    if (isSame(known, source, start, size)) return known;
    const copy = this.copy(source, start, size, offset);
    this.#interned[slot] = copy;
    return copy;
  }
}

/** Whether bytes known before are the `size` bytes at `start`. */
export function isSame(known: Uint8Array, source: Uint8Array, start: number, size: number): boolean {
  if (known.length !== size) return false;
  for (let at = 0; at < size; at++) if (known[at] !== source[start + at]) return false;
  return true;
}
