import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { Retries, type RetryOptions } from '../transport/retry.ts';

/** Counts the attempts at what is sent once at a time, because its sender must look first what became of it. */
export class Resends {
  readonly #retries: Retries;
  #isRenewed = false;

  constructor(policy: RetryOptions, call: CallOptions) {
    this.#retries = new Retries({ policy, ...call });
  }

  /**
   * Waits until it may be sent again.
   *
   * @throws `failure` where that will not help, or was done often enough; the signal's reason.
   */
  async next(failure: unknown): Promise<void> {
    const isUnauthorized = failure instanceof RegistryError && failure.status === 401;
    // The credentials ended just then. The request that looks what became of it gets others.
    if (isUnauthorized && !this.#isRenewed) this.#isRenewed = true;
    else await this.#retries.next(failure);
  }

  /** It got further: attempts are counted from the first again. */
  reset(): void {
    this.#retries.reset();
    this.#isRenewed = false;
  }
}
