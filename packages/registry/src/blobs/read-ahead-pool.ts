/** Minimum size of a part that is requested when several requests run concurrently: 2 MiB. */
export const MIN_PART_SIZE = 1 << 21;

/** Default size of the pool: 48 MiB. Only one blob on a network with a high latency needs all of it. */
export const DEFAULT_MAX_READ_AHEAD = 48 << 20;

/** Maximum for each blob if several are read at the same time, in bytes: 8 MiB. Each of them has a connection in any case. */
const SHARED_READ_AHEAD = 1 << 23;

/**
 * Bounds the memory for parts of blobs that are read ahead. All blobs of a registry share it. A blob that is read alone may
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

  /**
   * Reserves memory for a part.
   *
   * @param reserved - What its blob has reserved, in bytes.
   * @returns Whether the share of the blob and the pool have room for `bytes`.
   */
  acquire(bytes: number, reserved: number): boolean {
    if (reserved + bytes > this.share || this.#used + bytes > this.share * Math.max(this.#blobs, 1)) return false;
    this.#used += bytes;
    return true;
  }

  /** Returns bytes to the pool. */
  release(bytes: number): void {
    this.#used -= bytes;
  }
}
