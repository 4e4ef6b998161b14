/** How failures in passing are met: 429, 5xx, connections that break or stall. */
export interface RetryOptions {
  /** Times that a request is sent, the first included; at least 1. @default 6 */
  readonly maxAttempts?: number;
  /** Milliseconds of the first wait; each further one may be twice as long, and a random part of it is waited. @default 250 */
  readonly baseDelay?: number;
  /** Milliseconds of the longest wait, a `Retry-After` included. @default 30,000 */
  readonly maxDelay?: number;
}
