import { ZtocError } from '../errors.ts';
import { fromByteString } from './byte-string.ts';

const SLAB_SIZE = 1 << 16;

/** Distinct byte strings that are kept only once; layers have few users, groups and PAX keys. */
const MAX_INTERNED = 4096;

/** No bytes: shared by every field that is empty. */
export const NO_BYTES = new Uint8Array(0);

/**
 * Keeps millions of short byte strings: as views of shared slabs, because a buffer of its own costs each several times
 * what it holds.
 */
export class BytePool {
  readonly #limit: number;
  readonly #interned = new Map<string, Uint8Array>();
  #slab = NO_BYTES;
  #used = 0;
  #taken = 0;

  /** @param limit Bytes that may be kept, all together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Room for `length` bytes, for the caller to fill. Throws `LIMIT_EXCEEDED` before anything is allocated; `offset` is
   * where in the tar stream the need arose.
   */
  take(length: number, offset: number): Uint8Array {
    if (length === 0) return NO_BYTES;
    this.#taken += length;
    if (this.#taken > this.#limit) throw metadataTooLarge(this.#limit, offset);
    if (length > SLAB_SIZE / 4) return new Uint8Array(length);
    if (this.#used + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_SIZE);
      this.#used = 0;
    }
    this.#used += length;
    return this.#slab.subarray(this.#used - length, this.#used);
  }

  /** A copy of the bytes of a byte string, the same one each time where strings repeat. */
  intern(text: string, offset: number): Uint8Array {
    if (text === '') return NO_BYTES;
    const known = this.#interned.get(text);
    if (known !== undefined) return known;
    const bytes = fromByteString(text, this.take(text.length, offset));
    if (this.#interned.size < MAX_INTERNED) this.#interned.set(text, bytes);
    return bytes;
  }
}

function metadataTooLarge(limit: number, offset: number): ZtocError {
  const message = `Names and PAX records up to the tar header at byte ${offset} take more than maxMetadataSize, ${limit} bytes: raise that limit if the layer is trusted.`;
  return new ZtocError('LIMIT_EXCEEDED', message, { offset });
}
