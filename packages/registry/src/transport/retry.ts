import { RegistryError } from '../errors.ts';
import { checkOption, MAX_TIMEOUT } from './check-option.ts';
import { errorCode } from './connection-error.ts';

/** How failures in passing are met: 408, 429, 500, 502, 503, 504, connections that break or stall. */
export interface RetryOptions {
  /** Times that a request is sent, the first included: 1 to 1,000. @default 6 */
  readonly maxAttempts?: number;
  /** Milliseconds of the first wait; each further one may be twice as long, and a random half of it is waited or more. @default 250 */
  readonly baseDelay?: number;
  /** Milliseconds of the longest wait, a `Retry-After` included. @default 30,000 */
  readonly maxDelay?: number;
}

/** The options with their defaults. @throws RegistryError `OPTION_INVALID` for a number out of its range */
export function checkRetryOptions(policy: RetryOptions): Required<RetryOptions> {
  return {
    maxAttempts: checkOption('retry.maxAttempts', policy.maxAttempts ?? 6, 1, 1000),
    baseDelay: checkOption('retry.baseDelay', policy.baseDelay ?? 250, 0, MAX_TIMEOUT),
    maxDelay: checkOption('retry.maxDelay', policy.maxDelay ?? 30_000, 0, MAX_TIMEOUT),
  };
}

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
const PASSING_STATUSES = new Set([408, 429, 500, 502, 503, 504]);

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
    if (!isPassing(failure)) throw failure;
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
export function isPassing(failure: unknown): failure is RegistryError {
  if (!(failure instanceof RegistryError)) return false;
  if (failure.status !== undefined) return PASSING_STATUSES.has(failure.status);
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
