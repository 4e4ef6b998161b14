/** Bytes of a blob that are asked for in one request when several are in flight: 4 MiB. */
export const PART_SIZE = 1 << 22;

/** Bytes that the blobs of a registry may be read ahead of their receivers, together: 32 MiB, or 8 parts. */
export const DEFAULT_MAX_READ_AHEAD = 8 * PART_SIZE;

/**
 * The memory that parts of blobs are read into while it is not their turn yet. All blobs of a registry share it, so that
 * it is bounded however many are read at a time; it is used again, not left to the garbage collector.
 */
export class ReadAhead {
  readonly #free: Uint8Array[] = [];
  #left: number;

  /** @param maxBytes - Bytes in all; less than two parts' worth means that every blob is read over one connection. */
  constructor(maxBytes: number = DEFAULT_MAX_READ_AHEAD) {
    this.#left = Math.floor(maxBytes / PART_SIZE);
  }

  /** Up to `count` buffers of {@link PART_SIZE}; none where fewer than two are left, for one alone is no gain. */
  lend(count: number): Uint8Array[] {
    const lent = Math.min(count, this.#left);
    if (lent < 2) return [];
    this.#left -= lent;
    return Array.from({ length: lent }, () => this.#free.pop() ?? new Uint8Array(PART_SIZE));
  }

  /** Takes buffers back that nobody writes to any more. */
  takeBack(buffers: readonly Uint8Array[]): void {
    this.#left += buffers.length;
    this.#free.push(...buffers);
  }
}
