import type { CallOptions } from '@soci/oci';
import { abortable } from './concurrency.ts';
import { RegistryError } from './errors.ts';

/** Lowest rate, per second, that throttling leads to. */
const MIN_RATE = 0.1;

/** Seconds after which a rate that was halved is restored. */
const RECOVERY_TIME = 30;

/**
 * Limits how many manifests are pushed per second, because registries limit it: Amazon ECR allows 10 `PutImage` a second
 * in a Region for all clients together. Manifests are spaced evenly. A response with status 429 halves the rate, once for
 * all requests that were under way, and the rate then grows by a constant amount per second.
 *
 * Pass one object to several registries to limit their sum.
 */
export class RateLimit {
  /** Maximum number of manifests per second. `Infinity`: responses are counted only. */
  readonly perSecond: number;
  #rate: number;
  #throttled = 0;
  /** Times in milliseconds, as `performance.now`. */
  #updatedAt = performance.now();
  #halvedAt = Number.NEGATIVE_INFINITY;
  #next = Number.NEGATIVE_INFINITY;
  /** Settles when the last caller in the queue has its turn. */
  #last: Promise<void> = Promise.resolve();

  /** @throws RegistryError `OPTION_INVALID` if `perSecond` is less than 0.1 */
  constructor(perSecond: number) {
    if (!(perSecond >= MIN_RATE)) {
      throw new RegistryError('OPTION_INVALID', `the rate is ${perSecond} per second: expected at least ${MIN_RATE}`);
    }
    this.perSecond = perSecond;
    this.#rate = perSecond;
  }

  /** Number of manifests per second that are allowed now. */
  get rate(): number {
    const now = performance.now();
    const regained = (((now - this.#updatedAt) / 1000) * this.perSecond) / (2 * RECOVERY_TIME);
    // Infinity - Infinity is not a number.
    if (this.#rate < this.perSecond) this.#rate = Math.min(this.perSecond, this.#rate + regained);
    this.#updatedAt = now;
    return this.#rate;
  }

  /** Number of responses with status 429 so far, to any request. */
  get throttled(): number {
    return this.#throttled;
  }

  /** Waits until the next manifest may be sent, in the order of the calls. @throws the signal's reason */
  async acquire({ signal }: CallOptions = {}): Promise<void> {
    const previous = this.#last;
    let finish: (after: Promise<void> | undefined) => void = () => {};
    this.#last = new Promise((resolve) => {
      finish = (after) => resolve(after);
    });
    try {
      await abortable(previous, signal);
      const delay = this.#next - performance.now();
      if (delay > 0) await sleep(delay, signal);
      this.#next = performance.now() + 1000 / this.rate;
    } finally {
      // If this call was aborted, the next one still waits for those before it.
      finish(previous);
    }
  }

  /** Counts a response with status 429. @param sentAt - When the request was sent, as `performance.now`. */
  reportThrottled(sentAt: number): void {
    this.#throttled += 1;
    // This request does not show that the present rate is too high.
    if (sentAt <= this.#halvedAt || this.perSecond === Number.POSITIVE_INFINITY) return;
    this.#rate = Math.max(MIN_RATE, this.rate / 2);
    this.#halvedAt = performance.now();
    this.#next = this.#halvedAt + 1000 / this.#rate;
  }
}

async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const elapsed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await abortable(elapsed, signal);
  } finally {
    clearTimeout(timer);
  }
}
