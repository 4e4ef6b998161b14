/** Minimum size of a part that is requested when several requests run concurrently: 2 MiB. */
export const MIN_PART_SIZE = 1 << 21;

/** Default size of the pool: 32 MiB. Only one blob on a network with a high latency needs all of it. */
export const DEFAULT_MAX_READ_AHEAD = 32 << 20;

/** Maximum for each blob if several are read at the same time, in bytes: 8 MiB. Each of them has a connection in any case. */
const SHARED_READ_AHEAD = 1 << 23;

/**
 * Bounds the memory for bytes of blobs that are read ahead. All blobs of a registry share it. A blob that is read alone may
 * use all of it, and each of several blobs its share.
 */
export class ReadAheadPool {
  readonly #maxBytes: number;
  #blobs = 0;
  #used = 0;

  /** @param maxBytes - Size of the pool. With less than two parts, every blob is read over one connection. */
  constructor(maxBytes: number = DEFAULT_MAX_READ_AHEAD) {
    this.#maxBytes = maxBytes;
  }

  /** Maximum for each blob at the moment, in bytes. 0 if it is less than two parts: a single one brings no gain. */
  get share(): number {
    const share = this.#blobs <= 1 ? this.#maxBytes : Math.min(this.#maxBytes / this.#blobs, SHARED_READ_AHEAD);
    return share < 2 * MIN_PART_SIZE ? 0 : Math.floor(share);
  }

  /** Counts a blob until its reader calls {@link ReadAheadPool.close}. */
  open(): void {
    this.#blobs += 1;
  }

  /** Ends {@link ReadAheadPool.open}. */
  close(): void {
    this.#blobs -= 1;
  }

  /** Bytes that were received and are not consumed. */
  get used(): number {
    return this.#used;
  }

  /** Whether more bytes may be received. False while a blob that was alone still has more than its share. */
  get hasRoom(): boolean {
    return this.#used < this.share * Math.max(this.#blobs, 1);
  }

  /** Counts bytes that were received, or a negative number of bytes that were consumed. */
  add(bytes: number): void {
    this.#used += bytes;
  }
}
