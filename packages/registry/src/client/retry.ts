import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryError, reworded } from '../errors.ts';
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
  async wait(milliseconds, signal) {
    await sleep(milliseconds, undefined, { signal }).catch((error) => {
      throw signal?.aborted ? signal.reason : error;
    });
  },
};

/** Statuses that pass, mostly. */
const TRANSIENT_STATUSES = new Set([408, 429, 500, 502, 503, 504]);

/** Options of {@link Retries}. */
export interface RetriesOptions {
  /** @default see {@link RetryOptions} */
  readonly policy?: RetryOptions | undefined;
  /** @default {@link realTiming} */
  readonly timing?: Timing | undefined;
  /**
   * Whether a 401 is tried again at once, once until {@link Retries.reset}: for what is sent once at a time, because its sender
   * must first look what became of it. The credentials ended just then, and the request that looks gets others.
   *
   * @default false
   */
  readonly renewsCredentials?: boolean;
  /** Ends a wait with its reason. @default nothing does */
  readonly signal?: AbortSignal | undefined;
}

/** The attempts at one thing: counts them, and waits between them. Making it throws RegistryError `OPTION_INVALID`. */
export class Retries {
  readonly #policy: Required<RetryOptions>;
  readonly #timing: Timing;
  readonly #signal: AbortSignal | undefined;
  readonly #renewsCredentials: boolean;
  #attempt = 1;
  #isRenewed = false;

  constructor({ policy = {}, timing = realTiming, renewsCredentials = false, signal }: RetriesOptions = {}) {
    this.#policy = checkRetryOptions(policy);
    this.#timing = timing;
    this.#signal = signal;
    this.#renewsCredentials = renewsCredentials;
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
    const isUnauthorized = failure instanceof RegistryError && failure.status === 401;
    if (isUnauthorized && this.#renewsCredentials && !this.#isRenewed) {
      this.#isRenewed = true;
      return;
    }
    if (!isTransient(failure)) throw failure;
    if (this.#attempt >= this.#policy.maxAttempts) {
      throw this.#attempt === 1 ? failure : reworded(failure, `${failure.message} (tried ${this.#attempt} times)`);
    }
    await this.#timing.wait(this.#delay(retryAfter), this.#signal);
    this.#attempt += 1;
  }

  /** What was asked for got further: failures from here on are counted from the first again. */
  reset(): void {
    this.#attempt = 1;
    this.#isRenewed = false;
  }

  #delay(retryAfter: string | undefined): number {
    const { baseDelay, maxDelay } = this.#policy;
    const whole = Math.min(maxDelay, baseDelay * 2 ** (this.#attempt - 1));
    const jittered = whole * (0.5 + this.#timing.random() / 2);
    // Whoever was told the same time must not come back at the same time.
    const asked = retryAfter === undefined ? 0 : parseRetryAfter(retryAfter, this.#timing.now()) + jittered;
    return Math.min(maxDelay, Math.max(jittered, asked));
  }
}

/** Whether the same request may succeed later. */
export function isTransient(failure: unknown): failure is RegistryError {
  if (!(failure instanceof RegistryError)) return false;
  if (failure.status !== undefined) return TRANSIENT_STATUSES.has(failure.status);
  if (failure.code === 'STALLED') return true;
  return failure.code === 'CONNECTION_FAILED' && errorCode(failure.cause) !== 'ENOTFOUND';
}

/** Milliseconds that a `Retry-After` asks to wait from `now` on; 0 where it cannot be read. @see RFC 9110, section 10.2.3 */
function parseRetryAfter(text: string, now: number): number {
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Math.max(milliseconds || 0, 0);
}
