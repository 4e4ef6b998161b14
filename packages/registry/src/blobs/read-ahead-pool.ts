/** Size of a part that is requested when several requests run concurrently: 4 MiB. */
export const PART_SIZE = 1 << 22;

/** Default size of the pool: 32 MiB, or 8 parts. */
export const DEFAULT_MAX_READ_AHEAD = 8 * PART_SIZE;

/**
 * Buffers for parts of blobs that are read ahead. All blobs of a registry share the pool, which bounds its memory.
 * Buffers are reused, not left to the garbage collector.
 */
export class ReadAheadPool {
  readonly #free: Uint8Array[] = [];
  #left: number;

  /** @param maxBytes - Size of the pool. With less than two parts, every blob is read over one connection. */
  constructor(maxBytes: number = DEFAULT_MAX_READ_AHEAD) {
    this.#left = Math.floor(maxBytes / PART_SIZE);
  }

  /**
   * Returns up to `count` buffers of {@link PART_SIZE}, or none if fewer than two are available: a single one brings no
   * gain.
   */
  acquire(count: number): Uint8Array[] {
    const acquired = Math.min(count, this.#left);
    if (acquired < 2) return [];
    this.#left -= acquired;
    return Array.from({ length: acquired }, () => this.#free.pop() ?? new Uint8Array(PART_SIZE));
  }

  /** Returns buffers to the pool. Nothing may write to them any more. */
  release(buffers: readonly Uint8Array[]): void {
    this.#left += buffers.length;
    this.#free.push(...buffers);
  }
}
