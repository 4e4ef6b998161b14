/** Bytes of a blob over which is measured who waits for whom: 8 MiB, so that a hiccup is no slow network. */
const WINDOW = 1 << 23;

/** Part of the time from which a receiver that waits counts as held up by the network. */
const WAITING_SHARE = 0.5;

/**
 * Bytes a millisecond at which one connection is enough: 100 MB/s. Storages give a connection less; what gives more is
 * mostly on the same machine, where further connections take processor time and give nothing.
 */
const ENOUGH = 100_000;

/**
 * Measures, over each few MiB of a stream, whether its receiver waits for the network most of the time, and more
 * connections would help.
 */
export class ThroughputMeter {
  readonly #begun: number;
  #received = 0;
  #windowBegun: number;
  #windowBytes = 0;
  #waited = 0;

  /** @param now - Milliseconds of a clock that only goes forward, when the first bytes were there. */
  constructor(now: number) {
    this.#begun = now;
    this.#windowBegun = now;
  }

  /**
   * Takes a chunk in, when it was there.
   *
   * @param asked - When the receiver asked for it, by the same clock.
   * @returns The bytes a millisecond that the network gave so far, where it held the receiver up over the few MiB that end
   * here; undefined where it did not, and in between.
   */
  add(bytes: number, asked: number, now: number): number | undefined {
    this.#windowBytes += bytes;
    this.#waited += now - asked;
    if (this.#windowBytes < WINDOW) return undefined;
    const elapsed = now - this.#windowBegun;
    const waitingShare = this.#waited / elapsed;
    this.#received += this.#windowBytes;
    // The best that one connection was seen to do, lately or on the whole: several are measured by it.
    const rate = Math.max(this.#windowBytes / elapsed, this.#received / (now - this.#begun));
    this.#windowBytes = 0;
    this.#waited = 0;
    this.#windowBegun = now;
    return waitingShare >= WAITING_SHARE && rate < ENOUGH ? rate : undefined;
  }
}
