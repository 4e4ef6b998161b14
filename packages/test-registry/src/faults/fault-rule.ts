import type { PortName } from '../http/request-record.ts';

/**
 * What goes wrong. Bytes are counted in the body of the request where it has one (an upload), else in that of the answer.
 *
 * - `status`: answered with `status` (and `Retry-After`, in seconds or as a date), the request not handled.
 * - `reset`: the connection is reset after `afterBytes`; without, before any answer.
 * - `stall`: no byte more comes or is taken after `afterBytes`; without, no answer ever.
 * - `lost-answer`: the request is handled, and the connection reset in place of its answer.
 * - `wrong-bytes`: one byte of the answer, at `atByte`, is another.
 * - `truncate`: the answer's body ends after `afterBytes`, in good order, though its length said more.
 * - `wrong-digest-header`: `Docker-Content-Digest` is another.
 * - `slow`: the connection carries `rate` bytes a second for this answer or upload.
 * - `expire-token`: every token that was given out is void from this request on.
 * - `expire-urls`: every signed address that was given out is void from this request on.
 * - `redirect`: answered with 307 to `location`.
 * - `html`: answered with a page, as a proxy that wants a login does.
 * - `headers`: answered with these header fields beside or in place of the registry's own.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number | string; readonly body?: string }
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  | { readonly kind: 'stall'; readonly afterBytes?: number }
  | { readonly kind: 'lost-answer' }
  | { readonly kind: 'wrong-bytes'; readonly atByte?: number }
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  | { readonly kind: 'wrong-digest-header' }
  | { readonly kind: 'slow'; readonly rate: number }
  | { readonly kind: 'expire-token' }
  | { readonly kind: 'expire-urls' }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'html'; readonly status?: number }
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> };

/** Which requests a fault is for. All that is named must match. */
export interface FaultCondition {
  /** @default any */
  readonly port?: PortName;
  /** Such as `GET`. @default any */
  readonly method?: string;
  /** The path without its query: a text it contains, or a pattern. @default any */
  readonly path?: RegExp | string;
}

/** A fault, and when it happens. */
export interface FaultRule {
  /** @default every request */
  readonly on?: FaultCondition;
  /** Requests that match and are let through first. @default 0 */
  readonly after?: number;
  /** Requests that it then happens to, `Infinity` being allowed. @default 1 */
  readonly times?: number;
  /** What happens. */
  readonly fault: Fault;
}

/** A rule that was set. */
export interface InjectedFault {
  /** Requests that it happened to so far. */
  readonly hits: number;
  /** Ends it. */
  remove(): void;
}
