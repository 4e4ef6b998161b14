import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { describeRequest, type HttpMethod } from '../transport/http-message.ts';
import { isLocalHost, isLoopbackHost } from '../transport/local-address.ts';

/** Redirects that one request may take; registries take one or two. */
const MAX_REDIRECTS = 5;

/** Where one request went: each redirect is checked before it is followed. */
export class RedirectChain {
  readonly #method: HttpMethod;
  readonly #registry: URL;
  readonly #visited: URL[];

  /** @param registry - Its origin. */
  constructor(method: HttpMethod, first: URL, registry: URL) {
    this.#method = method;
    this.#registry = registry;
    this.#visited = [first];
    if (first.origin !== registry.origin) this.#check(first);
  }

  /** Where the request goes now. */
  get url(): URL {
    return this.#visited.at(-1) as URL;
  }

  /** Whether it was at the registry's own origin all the way: only then may it carry credentials. */
  get isAtHome(): boolean {
    return this.#visited.every(({ origin }) => origin === this.#registry.origin);
  }

  /** Whether the URL is another's choice than the user's: as in `HttpRequest`. */
  get isUntrusted(): boolean {
    return this.url.origin !== this.#registry.origin && !isLoopbackHost(this.#registry.host);
  }

  /** Goes where the answer leads. @throws RegistryError `REDIRECT_REFUSED`, `LIMIT_EXCEEDED`, `RESPONSE_INVALID` */
  follow(status: number, location: string | undefined): void {
    const request = this.#request;
    const fail = (code: RegistryErrorCode, problem: string) =>
      new RegistryError(code, `${request}${problem}`, { request, status });
    if (location === undefined || !URL.canParse(location, this.url.href)) {
      const what = location === undefined ? 'without a Location' : 'with a Location that is no URL';
      throw fail('RESPONSE_INVALID', ` was answered with ${status} ${what}`);
    }
    const next = new URL(location, this.url);
    next.hash = '';
    this.#check(next);
    if (this.#visited.some(({ href }) => href === next.href))
      throw this.#refuse(next, 'it was there before: it goes round in circles');
    if (this.#visited.length > MAX_REDIRECTS) throw fail('LIMIT_EXCEEDED', `: more than ${MAX_REDIRECTS} redirects`);
    this.#visited.push(next);
  }

  #check(next: URL): void {
    if (next.protocol !== 'https:' && next.protocol !== 'http:')
      throw this.#refuse(next, 'it is neither https nor http');
    if (next.username !== '' || next.password !== '') throw this.#refuse(next, 'it has a name and password in it');
    if (next.protocol === 'http:' && this.#registry.protocol === 'https:') {
      const hint = 'a registry behind a proxy must be told its own address';
      throw this.#refuse(next, `the registry speaks https, and this is plain http (${hint})`);
    }
    if (next.origin === this.#registry.origin || !isLocalHost(next.host)) return;
    if (isLoopbackHost(next.host) && isLoopbackHost(this.#registry.host)) return;
    throw this.#refuse(next, 'it is this machine, its link or a metadata service');
  }

  #refuse(next: URL, reason: string): RegistryError {
    const request = this.#request;
    const target =
      next.protocol === 'https:' || next.protocol === 'http:' ? describeRequest(this.#method, next) : next.protocol;
    return new RegistryError('REDIRECT_REFUSED', `${request}: not followed to ${target}: ${reason}`, { request });
  }

  get #request(): string {
    return describeRequest(this.#method, this.url);
  }
}

/**
 * Whether an answer sends the request on. A method that changes something is repeated elsewhere only where the answer says
 * that it may be (307, 308); with 301 to 303 it would become a GET.
 */
export function isRedirect(status: number, method: HttpMethod): boolean {
  if (status === 307 || status === 308) return true;
  return (status === 301 || status === 302 || status === 303) && (method === 'GET' || method === 'HEAD');
}
