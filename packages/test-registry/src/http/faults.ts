import { TestRegistryError } from '../errors.ts';
import { Refusal, type Reply, replyRefusal } from './reply.ts';

/** The three addresses that the registry answers on: the OCI API, the storage of blobs, ECR's own API. */
export type PortName = 'aws' | 'registry' | 'storage';

/** A request that came in. */
export interface RequestRecord {
  readonly port: PortName;
  readonly method: string;
  /** Its path as it was sent, without the query. */
  readonly path: string;
  /** Its query as it was sent, without the question mark; empty where there is none. */
  readonly query: string;
  /** Status of the answer; 0 while there is none, and where the connection ended without one. */
  readonly status: number;
  /** Bytes of the request's body that were taken. */
  readonly bytesIn: number;
  /** Bytes of the answer's body that were sent. */
  readonly bytesOut: number;
  /** Whether it carried `Authorization`. */
  readonly authorization: boolean;
  /** Its `Range`, where it had one. */
  readonly range?: string;
}

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
  readonly fault: Fault;
}

/** A rule that was set. */
export interface InjectedFault {
  /** Requests that it happened to so far. */
  readonly hits: number;
  /** Ends it. */
  remove(): void;
}

/** The faults that are set. Of several that match a request, the one set first happens. */
export class FaultRules {
  readonly #rules = new Set<ActiveRule>();

  /** @throws TestRegistryError `OPTION_INVALID` where a count is no count. */
  inject(rule: FaultRule): InjectedFault {
    for (const [name, count] of Object.entries({ after: rule.after ?? 0, times: rule.times ?? 1 })) {
      if (!(count >= 0))
        throw new TestRegistryError('OPTION_INVALID', `${name} of a fault rule is ${count}: at least 0`);
    }
    const remove = () => void this.#rules.delete(active);
    const active: ActiveRule = { rule, toPass: rule.after ?? 0, left: rule.times ?? 1, hits: 0, remove };
    this.#rules.add(active);
    return active;
  }

  /** What is to happen to a request, counting it. */
  take(request: RequestRecord): Fault | undefined {
    let taken: ActiveRule | undefined;
    for (const active of this.#rules) {
      if (active.left <= 0 || !matches(active.rule.on ?? {}, request)) continue;
      if (active.toPass > 0) active.toPass -= 1;
      else taken ??= active;
    }
    if (taken === undefined) return undefined;
    taken.left -= 1;
    taken.hits += 1;
    return taken.rule.fault;
  }
}

interface ActiveRule extends InjectedFault {
  readonly rule: FaultRule;
  toPass: number;
  left: number;
  hits: number;
}

function matches({ port, method, path }: FaultCondition, request: RequestRecord): boolean {
  if (port !== undefined && port !== request.port) return false;
  if (method !== undefined && method !== request.method) return false;
  if (path === undefined) return true;
  return typeof path === 'string' ? request.path.includes(path) : request.path.search(path) !== -1;
}

const PAGE = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n';

/** The answer of a fault that stands in place of the registry's. */
export function replaceReply(fault: Fault | undefined): Reply | undefined {
  switch (fault?.kind) {
    case 'status': {
      const { status, retryAfter, body } = fault;
      const headers = { ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) };
      if (body !== undefined) return { status, headers, body: Buffer.from(body) };
      const code = status === 429 ? 'TOOMANYREQUESTS' : 'UNKNOWN';
      return replyRefusal(new Refusal(status, code, `injected ${status}`, headers));
    }
    case 'redirect':
      return { status: 307, headers: { location: fault.location } };
    case 'html':
      return { status: fault.status ?? 200, headers: { 'content-type': 'text/html' }, body: Buffer.from(PAGE) };
    default:
      return undefined;
  }
}

/** The registry's answer with what a fault changes of its header. */
export function applyToReply(reply: Reply, fault: Fault | undefined): Reply {
  const headers: Record<string, string> = { ...reply.headers };
  if (fault?.kind === 'headers') {
    for (const [name, value] of Object.entries(fault.headers)) headers[name.toLowerCase()] = value;
  }
  if (fault?.kind === 'wrong-digest-header') headers['docker-content-digest'] = `sha256:${'0'.repeat(64)}`;
  return { ...reply, headers };
}
