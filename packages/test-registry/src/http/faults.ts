import { TestRegistryError } from '../errors.ts';
import { type Reply, RequestError, replyError } from './reply.ts';

/** The ports of the registry: the OCI API, the blob storage, the ECR API. */
export type PortName = 'aws' | 'registry' | 'storage';

/** A received request. */
export interface RequestRecord {
  readonly port: PortName;
  readonly method: string;
  /** Path as received, without the query. */
  readonly path: string;
  /** Query as received, without the question mark; empty if there is no query. */
  readonly query: string;
  /** Status of the response; 0 if none has been sent. */
  readonly status: number;
  /** Number of bytes received from the request body. */
  readonly bytesIn: number;
  /** Number of bytes sent from the response body. */
  readonly bytesOut: number;
  /** Whether it had an `Authorization` header. */
  readonly authorization: boolean;
  /** Its `Range` header, if any. */
  readonly range?: string;
}

/**
 * A fault. Offsets refer to the body of the request if it has one (an upload), otherwise to the body of the response.
 *
 * - `status`: responds with `status` (and `Retry-After`, in seconds or as a date) without handling the request.
 * - `reset`: resets the connection after `afterBytes`, or before the response.
 * - `stall`: sends and receives nothing more after `afterBytes`, or never responds.
 * - `lost-response`: handles the request, then resets the connection.
 * - `wrong-bytes`: changes the byte of the response at `atByte`.
 * - `truncate`: ends the response cleanly after `afterBytes`, although its `Content-Length` is larger.
 * - `wrong-digest-header`: sends another `Docker-Content-Digest`.
 * - `slow`: limits this response or upload to `rate` bytes per second.
 * - `expire-token`: expires all tokens, starting with this request.
 * - `expire-urls`: expires all signed URLs, starting with this request.
 * - `redirect`: responds with 307 to `location`.
 * - `html`: responds with an HTML page, like a proxy that requires a login.
 * - `headers`: adds or replaces response headers.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number | string; readonly body?: string }
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  | { readonly kind: 'stall'; readonly afterBytes?: number }
  | { readonly kind: 'lost-response' }
  | { readonly kind: 'wrong-bytes'; readonly atByte?: number }
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  | { readonly kind: 'wrong-digest-header' }
  | { readonly kind: 'slow'; readonly rate: number }
  | { readonly kind: 'expire-token' }
  | { readonly kind: 'expire-urls' }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'html'; readonly status?: number }
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> };

/** Selects the requests of a fault. All conditions must match. */
export interface FaultCondition {
  /** @default any */
  readonly port?: PortName;
  /** HTTP method, such as `GET`. @default any */
  readonly method?: string;
  /** Path without the query: a substring or a pattern. @default any */
  readonly path?: RegExp | string;
}

/** A fault, and when it occurs. */
export interface FaultRule {
  /** @default every request */
  readonly on?: FaultCondition;
  /** Number of matching requests before the fault. @default 0 */
  readonly after?: number;
  /** Number of requests with the fault; may be `Infinity`. @default 1 */
  readonly times?: number;
  readonly fault: Fault;
}

/** An injected fault. */
export interface InjectedFault {
  /** Number of requests with the fault so far. */
  readonly hits: number;
  /** Removes the fault. */
  remove(): void;
}

/** The injected faults. If several match a request, the one injected first occurs. */
export class FaultRules {
  readonly #rules = new Set<ActiveRule>();

  /** @throws TestRegistryError `OPTION_INVALID` if a count is invalid */
  inject(rule: FaultRule): InjectedFault {
    for (const [name, count] of Object.entries({ after: rule.after ?? 0, times: rule.times ?? 1 })) {
      if (!(count >= 0))
        throw new TestRegistryError('OPTION_INVALID', `${name} of a fault rule is ${count}: expected at least 0`);
    }
    const remove = () => void this.#rules.delete(active);
    const active: ActiveRule = { rule, skip: rule.after ?? 0, left: rule.times ?? 1, hits: 0, remove };
    this.#rules.add(active);
    return active;
  }

  /** Returns the fault of a request, if any, and counts it. */
  take(request: RequestRecord): Fault | undefined {
    let taken: ActiveRule | undefined;
    for (const active of this.#rules) {
      if (active.left <= 0 || !matches(active.rule.on ?? {}, request)) continue;
      if (active.skip > 0) active.skip -= 1;
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
  skip: number;
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

/** Returns the response of a fault that replaces the registry's. */
export function replaceReply(fault: Fault | undefined): Reply | undefined {
  switch (fault?.kind) {
    case 'status': {
      const { status, retryAfter, body } = fault;
      const headers = { ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) };
      if (body !== undefined) return { status, headers, body: Buffer.from(body) };
      const code = status === 429 ? 'TOOMANYREQUESTS' : 'UNKNOWN';
      return replyError(new RequestError(status, code, `injected ${status}`, headers));
    }
    case 'redirect':
      return { status: 307, headers: { location: fault.location } };
    case 'html':
      return { status: fault.status ?? 200, headers: { 'content-type': 'text/html' }, body: Buffer.from(PAGE) };
    default:
      return undefined;
  }
}

/** Returns the registry's response with the header changes of a fault. */
export function applyToReply(reply: Reply, fault: Fault | undefined): Reply {
  const headers: Record<string, string> = { ...reply.headers };
  if (fault?.kind === 'headers') {
    for (const [name, value] of Object.entries(fault.headers)) headers[name.toLowerCase()] = value;
  }
  if (fault?.kind === 'wrong-digest-header') headers['docker-content-digest'] = `sha256:${'0'.repeat(64)}`;
  return { ...reply, headers };
}
