/** Bytes of a blob over which is measured who waits for whom: 8 MiB, so that a hiccup is no slow network. */
const WINDOW = 1 << 23;

/** Part of the time from which a receiver that waits counts as held up by the network. */
const WAITING_SHARE = 0.5;

/**
 * Bytes a millisecond at which one connection is enough: 150 MB/s, about what a processor core indexes. Faster ones are
 * found within a machine, where further connections take its processor and give nothing.
 */
const ENOUGH = 150_000;

/**
 * Measures, over each few MiB of a stream, whether its receiver waits for the network most of the time, and more
 * connections would help.
 */
export class NetworkWait {
  #bytes = 0;
  #waited = 0;
  #begun: number;

  /** @param now - Milliseconds of a clock that only goes forward, when the first bytes were there. */
  constructor(now: number) {
    this.#begun = now;
  }

  /**
   * Takes a chunk in, when it was there.
   *
   * @param asked - When the receiver asked for it, by the same clock.
   * @returns The bytes a millisecond that the network gave over the few MiB that end here, where it held the receiver up;
   * undefined where it did not, and in between.
   */
  add(bytes: number, asked: number, now: number): number | undefined {
    this.#bytes += bytes;
    this.#waited += now - asked;
    if (this.#bytes < WINDOW) return undefined;
    const elapsed = now - this.#begun;
    const rate = this.#bytes / elapsed;
    const isHeldUp = this.#waited >= elapsed * WAITING_SHARE && rate < ENOUGH;
    this.#bytes = 0;
    this.#waited = 0;
    this.#begun = now;
    return isHeldUp ? rate : undefined;
  }
}
