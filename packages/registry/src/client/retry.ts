import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryError, withMessage } from '../errors.ts';
import { checkRetryOptions, type RetryOptions } from '../options.ts';
import { errorCode } from '../transport/connection-error.ts';

/** Clock and random numbers of {@link Retries}. */
export interface Timing {
  /** Returns the current time in milliseconds since 1970. */
  now(): number;
  /** Returns a random number from 0 (inclusive) to 1 (exclusive). */
  random(): number;
  /** Waits for some milliseconds. @throws the signal's reason */
  wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void>;
}

/** The system clock and `Math.random`. */
export const systemTiming: Timing = {
  now: Date.now,
  random: Math.random,
  async wait(milliseconds, signal) {
    await sleep(milliseconds, undefined, { signal }).catch((error) => {
      throw signal?.aborted ? signal.reason : error;
    });
  },
};

/** Statuses of failures that are usually transient. */
const TRANSIENT_STATUSES = new Set([408, 429, 500, 502, 503, 504]);

/** Options of {@link Retries}. */
export interface RetriesOptions {
  /** @default see {@link RetryOptions} */
  readonly policy?: RetryOptions | undefined;
  /** @default {@link systemTiming} */
  readonly timing?: Timing | undefined;
  /**
   * Whether a 401 is retried immediately, once until {@link Retries.reset}. For uploads, whose requests are not resent
   * automatically: the token expired, and the next request obtains a new one.
   *
   * @default false
   */
  readonly renewsCredentials?: boolean;
  /** Aborts a delay with its reason. @default none */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Counts the attempts of an operation and waits between them. The constructor throws RegistryError `OPTION_INVALID`.
 */
export class Retries {
  readonly #policy: Required<RetryOptions>;
  readonly #timing: Timing;
  readonly #signal: AbortSignal | undefined;
  readonly #renewsCredentials: boolean;
  #attempt = 1;
  #hasRenewed = false;

  constructor({ policy = {}, timing = systemTiming, renewsCredentials = false, signal }: RetriesOptions = {}) {
    this.#policy = checkRetryOptions(policy);
    this.#timing = timing;
    this.#signal = signal;
    this.#renewsCredentials = renewsCredentials;
  }

  /** Number of the current attempt, from 1. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * Waits before the next attempt, or throws the failure if it is not transient or was the last attempt.
   *
   * @param retryAfter - The `Retry-After` header of the response.
   * @throws the failure, with the number of attempts in its message; the signal's reason
   */
  async next(failure: unknown, retryAfter?: string): Promise<void> {
    this.#signal?.throwIfAborted();
    const isUnauthorized = failure instanceof RegistryError && failure.status === 401;
    if (isUnauthorized && this.#renewsCredentials && !this.#hasRenewed) {
      this.#hasRenewed = true;
      return;
    }
    if (!isTransient(failure)) throw failure;
    if (this.#attempt >= this.#policy.maxAttempts) {
      throw this.#attempt === 1
        ? failure
        : withMessage(failure, `${failure.message} (after ${this.#attempt} attempts)`);
    }
    await this.#timing.wait(this.#delay(retryAfter), this.#signal);
    this.#attempt += 1;
  }

  /** Resets the number of attempts after progress. */
  reset(): void {
    this.#attempt = 1;
    this.#hasRenewed = false;
  }

  #delay(retryAfter: string | undefined): number {
    const { baseDelay, maxDelay } = this.#policy;
    const whole = Math.min(maxDelay, baseDelay * 2 ** (this.#attempt - 1));
    const jittered = whole * (0.5 + this.#timing.random() / 2);
    // Adds jitter, because other clients received the same time.
    const requested = retryAfter === undefined ? 0 : parseRetryAfter(retryAfter, this.#timing.now()) + jittered;
    return Math.min(maxDelay, Math.max(jittered, requested));
  }
}

/** Reports whether a failure is transient, so that the same request may succeed later. */
export function isTransient(failure: unknown): failure is RegistryError {
  if (!(failure instanceof RegistryError)) return false;
  if (failure.status !== undefined) return TRANSIENT_STATUSES.has(failure.status);
  if (failure.code === 'STALLED') return true;
  return failure.code === 'CONNECTION_FAILED' && errorCode(failure.cause) !== 'ENOTFOUND';
}

/**
 * Returns the delay of a `Retry-After` header in milliseconds from `now`; 0 if it is invalid.
 *
 * @see RFC 9110, section 10.2.3
 */
function parseRetryAfter(text: string, now: number): number {
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Math.max(milliseconds || 0, 0);
}
