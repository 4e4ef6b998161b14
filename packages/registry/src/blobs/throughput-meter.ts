/** Measurement window: 8 MiB, long enough to average out short interruptions. */
const WINDOW = 1 << 23;

/** Share of the time spent waiting above which a consumer counts as network-bound. */
const WAITING_SHARE = 0.5;

/**
 * Rate of one connection that needs no others, in bytes per millisecond: 100 MB/s. Storage services limit a connection
 * to less. A faster server usually runs on the same machine, where more connections only cost CPU time.
 */
const SUFFICIENT_RATE = 100_000;

/**
 * Measures, over each window of a stream, whether its consumer waits for the network most of the time, so that more
 * connections would help.
 */
export class ThroughputMeter {
  readonly #startedAt: number;
  #received = 0;
  #windowStartedAt: number;
  #windowBytes = 0;
  #waited = 0;

  /** @param now - When the first bytes arrived, in milliseconds of a monotonic clock. */
  constructor(now: number) {
    this.#startedAt = now;
    this.#windowStartedAt = now;
  }

  /**
   * Records a chunk that arrived at `now`.
   *
   * @param requestedAt - When the consumer requested it, by the same clock.
   * @returns The rate so far in bytes per millisecond, if the consumer was network-bound in the window that ends with
   * this chunk. Otherwise, and within a window, undefined.
   */
  add(bytes: number, requestedAt: number, now: number): number | undefined {
    this.#windowBytes += bytes;
    this.#waited += now - requestedAt;
    if (this.#windowBytes < WINDOW) return undefined;
    const elapsed = now - this.#windowStartedAt;
    const waitingShare = this.#waited / elapsed;
    this.#received += this.#windowBytes;
    // The best observed rate of one connection, in this window or overall: the baseline for several connections.
    const rate = Math.max(this.#windowBytes / elapsed, this.#received / (now - this.#startedAt));
    this.#windowBytes = 0;
    this.#waited = 0;
    this.#windowStartedAt = now;
    return waitingShare >= WAITING_SHARE && rate < SUFFICIENT_RATE ? rate : undefined;
  }
}
