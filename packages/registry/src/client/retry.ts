import type { CallOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { checkRetryOptions, type RetryOptions } from '../options.ts';
import { errorCode } from '../transport/connection-error.ts';

/** Time and chance, for {@link Retries}. */
export interface Timing {
  /** Milliseconds since 1970. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  /** Waits. @throws the signal's reason */
  wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void>;
}

/** The time that passes, and chance as it comes. */
export const realTiming: Timing = {
  now: Date.now,
  random: Math.random,
  wait: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, milliseconds);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** Statuses that pass, mostly. */
const TRANSIENT_STATUSES = new Set([408, 429, 500, 502, 503, 504]);

/** Options of {@link Retries}. */
export interface RetriesOptions {
  /** @default see {@link RetryOptions} */
  readonly policy?: RetryOptions | undefined;
  /** @default {@link realTiming} */
  readonly timing?: Timing | undefined;
  /** Ends a wait with its reason. @default nothing does */
  readonly signal?: AbortSignal | undefined;
}

/** The attempts at one thing: counts them, and waits between them. Making it throws RegistryError `OPTION_INVALID`. */
export class Retries {
  readonly #maxAttempts: number;
  readonly #baseDelay: number;
  readonly #maxDelay: number;
  readonly #timing: Timing;
  readonly #signal: AbortSignal | undefined;
  #attempt = 1;

  constructor({ policy = {}, timing = realTiming, signal }: RetriesOptions = {}) {
    const { maxAttempts, baseDelay, maxDelay } = checkRetryOptions(policy);
    this.#maxAttempts = maxAttempts;
    this.#baseDelay = baseDelay;
    this.#maxDelay = maxDelay;
    this.#timing = timing;
    this.#signal = signal;
  }

  /** The number of the attempt under way, from 1. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * Waits before the next attempt; throws what failed where there is none to be: because it will not pass, or because
   * there were enough.
   *
   * @param retryAfter - The `Retry-After` of an answer.
   * @throws the failure, with the count of attempts in its message; the signal's reason.
   */
  async next(failure: unknown, retryAfter?: string): Promise<void> {
    this.#signal?.throwIfAborted();
    if (!isTransient(failure)) throw failure;
    if (this.#attempt >= this.#maxAttempts) throw countAttempts(failure, this.#attempt);
    await this.#timing.wait(this.#delay(retryAfter), this.#signal);
    this.#attempt += 1;
  }

  /** What was asked for got further: failures from here on are counted from the first again. */
  reset(): void {
    this.#attempt = 1;
  }

  #delay(retryAfter: string | undefined): number {
    const whole = Math.min(this.#maxDelay, this.#baseDelay * 2 ** (this.#attempt - 1));
    const jittered = whole * (0.5 + this.#timing.random() / 2);
    // Whoever was told the same time must not come back at the same time.
    const asked = retryAfter === undefined ? 0 : parseRetryAfter(retryAfter, this.#timing.now()) + jittered;
    return Math.min(this.#maxDelay, Math.max(jittered, asked));
  }
}

/** Whether the same request may succeed later. */
export function isTransient(failure: unknown): failure is RegistryError {
  if (!(failure instanceof RegistryError)) return false;
  if (failure.status !== undefined) return TRANSIENT_STATUSES.has(failure.status);
  return (
    failure.code === 'STALLED' || (failure.code === 'CONNECTION_FAILED' && errorCode(failure.cause) !== 'ENOTFOUND')
  );
}

/** Milliseconds that a `Retry-After` asks to wait from `now` on; 0 where it cannot be read. @see RFC 9110, section 10.2.3 */
function parseRetryAfter(text: string, now: number): number {
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Math.max(milliseconds || 0, 0);
}

function countAttempts(failure: RegistryError, attempts: number): RegistryError {
  if (attempts === 1) return failure;
  const { code, request, status, refusals, cause } = failure;
  return new RegistryError(code, `${failure.message} (tried ${attempts} times)`, {
    cause,
    refusals,
    ...(request !== undefined && { request }),
    ...(status !== undefined && { status }),
  });
}

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
