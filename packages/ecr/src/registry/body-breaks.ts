import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOptions } from '@soci/oci';
import type { RetryOptions } from '../transport/retry.ts';

/** Times that a body may break off in all, however much came in between. */
export const MAX_BREAKS = 1000;

/** A body that breaks off after fewer bytes than this counts as one that gave nothing: 64 KiB. */
export const MIN_PROGRESS = 1 << 16;

/** Counts how often the bodies of one read broke off, and says when it is enough. */
export class BodyBreaks {
  readonly #maxAttempts: number;
  readonly #retry: RetryOptions;
  #inAll = 0;
  /** Since the last progress. */
  #inVain = 0;

  constructor(retry: RetryOptions) {
    this.#retry = retry;
    this.#maxAttempts = retry.maxAttempts ?? 6;
  }

  /**
   * Waits until the rest may be asked for.
   *
   * @param received - Bytes that came before the body broke off.
   * @throws `failure` where too many broke off in a row without progress, or in all; the signal's reason.
   */
  async overcome(failure: Error, received: number, { signal }: CallOptions): Promise<void> {
    this.#inAll += 1;
    this.#inVain = received >= MIN_PROGRESS ? 1 : this.#inVain + 1;
    if (this.#inAll > MAX_BREAKS || this.#inVain >= this.#maxAttempts) throw failure;
    await sleep((this.#retry.baseDelay ?? 250) * Math.random(), undefined, { ...(signal && { signal }) });
  }
}
