import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { describeRequest, type HttpMethod } from '../transport/http-message.ts';
import { isLocalHost, isLoopbackHost } from '../transport/local-address.ts';

/** Maximum number of redirects per request. Registries use one or two. */
const MAX_REDIRECTS = 5;

/** The redirects of a request. Each is checked before it is followed. */
export class RedirectChain {
  readonly #method: HttpMethod;
  readonly #registry: URL;
  readonly #visited: URL[];

  /** @param registry - Origin of the registry. */
  constructor(method: HttpMethod, first: URL, registry: URL) {
    this.#method = method;
    this.#registry = registry;
    this.#visited = [first];
    if (first.origin !== registry.origin) this.#check(first);
  }

  /** The current URL. */
  get url(): URL {
    return this.#visited.at(-1) as URL;
  }

  /** Whether all URLs so far have the origin of the registry. Only then may the request carry credentials. */
  get isSameOrigin(): boolean {
    return this.#visited.every(({ origin }) => origin === this.#registry.origin);
  }

  /** Whether a server chose the URL, not the user: see `HttpRequest`. */
  get isUntrusted(): boolean {
    return this.url.origin !== this.#registry.origin && !isLoopbackHost(this.#registry.host);
  }

  /** Follows a redirect. @throws RegistryError `REDIRECT_REFUSED`, `LIMIT_EXCEEDED`, `RESPONSE_INVALID` */
  follow(status: number, location: string | undefined): void {
    const request = this.#request;
    const fail = (code: RegistryErrorCode, problem: string) =>
      new RegistryError(code, `${request}${problem}`, { request, status });
    if (location === undefined || !URL.canParse(location, this.url.href)) {
      const problem = location === undefined ? 'without a Location' : 'with an invalid Location';
      throw fail('RESPONSE_INVALID', `: redirect (${status}) ${problem}`);
    }
    const next = new URL(location, this.url);
    next.hash = '';
    this.#check(next);
    if (this.#visited.some(({ href }) => href === next.href)) throw this.#reject(next, 'redirect loop');
    if (this.#visited.length > MAX_REDIRECTS) throw fail('LIMIT_EXCEEDED', `: more than ${MAX_REDIRECTS} redirects`);
    this.#visited.push(next);
  }

  #check(next: URL): void {
    if (next.protocol !== 'https:' && next.protocol !== 'http:')
      throw this.#reject(next, 'the scheme is neither https nor http');
    if (next.username !== '' || next.password !== '') throw this.#reject(next, 'the URL contains credentials');
    if (next.protocol === 'http:' && this.#registry.protocol === 'https:') {
      const hint = 'if the registry is behind a TLS proxy, configure its external URL';
      throw this.#reject(next, `plain HTTP, but the registry uses HTTPS (${hint})`);
    }
    if (next.origin === this.#registry.origin || !isLocalHost(next.host)) return;
    if (isLoopbackHost(next.host) && isLoopbackHost(this.#registry.host)) return;
    throw this.#reject(next, 'loopback, link-local or metadata address');
  }

  #reject(next: URL, reason: string): RegistryError {
    const request = this.#request;
    const target =
      next.protocol === 'https:' || next.protocol === 'http:' ? describeRequest(this.#method, next) : next.protocol;
    return new RegistryError('REDIRECT_REFUSED', `${request}: refusing redirect to ${target}: ${reason}`, { request });
  }

  get #request(): string {
    return describeRequest(this.#method, this.url);
  }
}

/**
 * Reports whether a status is a redirect that can be followed. Methods that change something are repeated only for 307
 * and 308; 301 to 303 would turn them into a GET.
 */
export function isRedirect(status: number, method: HttpMethod): boolean {
  if (status === 307 || status === 308) return true;
  return (status === 301 || status === 302 || status === 303) && (method === 'GET' || method === 'HEAD');
}
