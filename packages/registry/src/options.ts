import { RegistryError } from './errors.ts';

/** A request that was answered, or failed; for logs and counts. Nothing in it is secret. */
export interface RequestEvent {
  /** Such as `GET https://host/v2/app/manifests/latest`: without query and credentials. */
  readonly request: string;
  /** From 1; a request that is sent again counts on, one that follows a redirect does not. */
  readonly attempt: number;
  /** HTTP status; absent where no answer came. */
  readonly status?: number;
  /** What went wrong, where no answer came. */
  readonly error?: Error;
  /** Milliseconds until the answer's headers were there. */
  readonly milliseconds: number;
}

/** How failures in passing are met: 408, 429, 500, 502, 503, 504, connections that break or stall. */
export interface RetryOptions {
  /** Times that a request is sent, the first included: 1 to 1,000. @default 6 */
  readonly maxAttempts?: number;
  /** Milliseconds of the first wait; each further one may be twice as long, and a random half of it is waited or more. @default 250 */
  readonly baseDelay?: number;
  /** Milliseconds of the longest wait, a `Retry-After` included. @default 30,000 */
  readonly maxDelay?: number;
}

/** Variables of an environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The options with their defaults. @throws RegistryError `OPTION_INVALID` for a number out of its range */
export function checkRetryOptions(policy: RetryOptions): Required<RetryOptions> {
  return {
    maxAttempts: checkOption('retry.maxAttempts', policy.maxAttempts ?? 6, 1, 1000),
    baseDelay: checkOption('retry.baseDelay', policy.baseDelay ?? 250, 0, MAX_TIMEOUT),
    maxDelay: checkOption('retry.maxDelay', policy.maxDelay ?? 30_000, 0, MAX_TIMEOUT),
  };
}

/** The longest time that a timer of Node's can wait, in milliseconds. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** Hands a number back where it is whole and in its range. @throws RegistryError `OPTION_INVALID` */
export function checkOption(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RegistryError('OPTION_INVALID', `${name} is a whole number from ${least} to ${most}, found ${value}`);
}
