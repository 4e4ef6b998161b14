/** Minimum size of a part that is requested when several requests run concurrently: 2 MiB. */
export const MIN_PART_SIZE = 1 << 21;

/** Default size of the pool: 64 MiB. Only a network with a high latency needs all of it. */
export const DEFAULT_MAX_READ_AHEAD = 1 << 26;

/** Bounds the memory for parts of blobs that are read ahead. All blobs of a registry share it. */
export class ReadAheadPool {
  #left: number;

  /** @param maxBytes - Size of the pool. With less than two parts, every blob is read over one connection. */
  constructor(maxBytes: number = DEFAULT_MAX_READ_AHEAD) {
    this.#left = maxBytes;
  }

  /**
   * Reserves up to `bytes`.
   *
   * @returns The number of bytes, or 0 if less than two parts of {@link MIN_PART_SIZE} are left: a single one brings no
   * gain.
   */
  acquire(bytes: number): number {
    const acquired = Math.min(bytes, this.#left);
    if (acquired < 2 * MIN_PART_SIZE) return 0;
    this.#left -= acquired;
    return acquired;
  }

  /** Returns bytes to the pool. */
  release(bytes: number): void {
    this.#left += bytes;
  }
}
