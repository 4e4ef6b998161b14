import type { OciError } from '@soci/oci';
import { quoteText } from '@soci/oci';
import type { Authorizer } from '../auth/authorizer.ts';
import type { RepositoryScope } from '../auth/scope.ts';
import { abortable } from '../concurrency.ts';
import { RegistryError } from '../errors.ts';
import type { RegistryOptions, RequestEvent } from '../options.ts';
import {
  describeRequest,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type HttpSender,
  readWhole,
} from '../transport/http-message.ts';
import { detectScheme, type Scheme } from '../transport/scheme.ts';
import { checkRejection, describeFailure, MAX_ERROR_SIZE } from './error-response.ts';
import { isRedirect, RedirectChain } from './redirect.ts';
import { ReplayableBody } from './replayable-body.ts';
import { Retries, type Timing } from './retry.ts';

/** A request to a registry. {@link RegistryHttp} adds credentials, follows redirects and retries. */
export interface RegistryRequest extends Pick<HttpRequest, 'body' | 'extraResponseTimeout' | 'method' | 'signal'> {
  /**
   * A path on the registry with its query, such as `/v2/app/manifests/latest`; or a URL received from the registry,
   * such as the `Location` of an upload or the storage of a blob. No credentials are sent to another origin.
   */
  readonly target: string | URL;
  /** Headers by name in lower case. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Permissions that the request requires, for registries that issue tokens by scope. */
  readonly scope: readonly RepositoryScope[];
  /** Statuses from 300 that are returned to the caller, not thrown. @default [] */
  readonly expected?: readonly number[];
}

/** A response with its whole body. */
export interface WholeResponse extends Pick<HttpResponse, 'headers' | 'status' | 'url'> {
  readonly body: Uint8Array;
}

/** Default maximum size of a body: 64 KiB. */
const DEFAULT_MAX_SIZE = 2 ** 16;

/**
 * Maximum number of times that one attempt obtains other credentials: once for an expired token, once for another
 * scope.
 */
const MAX_REAUTHORIZATIONS = 2;

/** Options of {@link RegistryHttp}. */
export interface RegistryHttpOptions {
  /** Host with an optional port, such as `localhost:5000`. */
  readonly host: string;
  readonly options?: Pick<RegistryOptions, 'onRequest' | 'plainHttp' | 'rateLimit' | 'retry'>;
  readonly authorizer: Authorizer;
  readonly sender: HttpSender;
  /** Clock and random numbers. @default the system's */
  readonly timing?: Timing;
}

/** A response, and the `Authorization` of its request, if any. */
interface AuthorizedResponse {
  readonly response: HttpResponse;
  readonly authorization?: string | undefined;
}

type SentRequest = RegistryRequest & Pick<HttpRequest, 'streamsResponse'>;

/**
 * HTTP client of one registry. Sends credentials only to the registry itself, follows safe redirects, and retries
 * transient failures according to the policy.
 */
export class RegistryHttp {
  readonly #authorizer: Authorizer;
  readonly #host: string;
  readonly #options: NonNullable<RegistryHttpOptions['options']>;
  readonly #sender: HttpSender;
  readonly #timing: Timing | undefined;
  #scheme: Promise<Scheme> | undefined;
  #origin: URL;

  /** @throws RegistryError `OPTION_INVALID` if `host` is invalid */
  constructor({ host, options = {}, authorizer, sender, timing }: RegistryHttpOptions) {
    const presumed = `${options.plainHttp === true ? 'http' : 'https'}://${host}`;
    if (!URL.canParse(presumed) || new URL(presumed).href !== `${new URL(presumed).origin}/`) {
      throw new RegistryError('OPTION_INVALID', `${quoteText(host)} is not a registry: expected HOST or HOST:PORT`);
    }
    this.#authorizer = authorizer;
    this.#host = host;
    this.#options = options;
    this.#sender = sender;
    this.#timing = timing;
    this.#origin = new URL(presumed);
  }

  /** Origin of the registry. For a loopback host the scheme is https until it has been detected. */
  get origin(): string {
    return this.#origin.origin;
  }

  /**
   * Sends a request and returns the response once its headers are received. The caller reads the body and handles its
   * failures.
   *
   * @throws RegistryError for every status from 300 that is not expected, with the messages of the registry, and for
   * failures that remain after the retries; the signal's reason
   */
  open(request: RegistryRequest): Promise<HttpResponse> {
    return this.#retry({ ...request, streamsResponse: true }, async (response) => response);
  }

  /**
   * Sends a request and reads the whole response. A body that breaks off is retried like any other failure.
   *
   * @param maxSize - Maximum size of the body in bytes; larger ones fail with `LIMIT_EXCEEDED` before they are
   * buffered. @default 64 KiB, for responses whose body is not used
   */
  exchange(request: RegistryRequest, maxSize = DEFAULT_MAX_SIZE): Promise<WholeResponse> {
    return this.#retry(request, async (response) => {
      const { status, headers, url } = response;
      return { status, headers, url, body: await readWhole(response, request.method, maxSize) };
    });
  }

  /** Sends a request and processes the response; retries transient failures of both. */
  async #retry<T>(request: SentRequest, use: (response: HttpResponse) => Promise<T>): Promise<T> {
    const { expected = [], signal } = request;
    const retries = new Retries({ policy: this.#options.retry, timing: this.#timing, signal });
    const body = new ReplayableBody(request.body);
    for (;;) {
      let failure: unknown;
      let retryAfter: string | undefined;
      try {
        await abortable(this.#detectScheme(), signal);
        const result = await this.#follow(request, body, retries.attempt);
        const { status, headers } = result.response;
        if (status < 300 || expected.includes(status)) return await use(result.response);
        retryAfter = headers['retry-after'];
        failure = await this.#readFailure(request, result);
      } catch (error) {
        failure = error;
      }
      if (!body.canReplay) throw failure;
      await retries.next(failure, retryAfter);
    }
  }

  /** Runs before credentials are sent: they must not be used to probe an unencrypted connection. */
  async #detectScheme(): Promise<void> {
    this.#scheme ??= detectScheme(this.#host, this.#options.plainHttp);
    try {
      this.#origin = new URL(`${await this.#scheme}://${this.#host}`);
    } catch (error) {
      this.#scheme = undefined;
      throw error;
    }
  }

  /** Sends a request and follows redirects. */
  async #follow(request: SentRequest, body: ReplayableBody, attempt: number): Promise<AuthorizedResponse> {
    const { method, target, expected = [] } = request;
    const first = typeof target === 'string' ? new URL(`${this.#origin.origin}${target}`) : target;
    const chain = new RedirectChain(method, first, this.#origin);
    for (;;) {
      const { url, isUntrusted } = chain;
      const result = chain.isSameOrigin
        ? await this.#sendAuthorized(request, url, body, attempt)
        : { response: await this.#send(request, { url, isUntrusted }, body, attempt) };
      const { status, headers } = result.response;
      if (!isRedirect(status, method) || expected.includes(status) || !body.canReplay) return result;
      result.response.discard();
      chain.follow(status, headers.location);
    }
  }

  /** Sends a request with credentials to the registry itself. Retries with other credentials if these are rejected. */
  async #sendAuthorized(
    request: SentRequest,
    url: URL,
    body: ReplayableBody,
    attempt: number,
  ): Promise<AuthorizedResponse> {
    const { method, scope, signal } = request;
    const call = signal === undefined ? {} : { signal };
    for (let renewals = 0; ; renewals += 1) {
      const authorization = await this.#authorizer.authorize(scope, call);
      const wire = { url, ...(authorization !== undefined && { authorization }) };
      const sent = await this.#send(request, wire, body, attempt);
      const { response, isRejected } = await checkRejection(sent, method);
      if (!isRejected || renewals === MAX_REAUTHORIZATIONS || !body.canReplay) return { response, authorization };
      const challenge = response.headers['www-authenticate'];
      if (!(await this.#authorizer.reauthorize(scope, challenge, authorization, call)))
        return { response, authorization };
    }
  }

  async #send(
    { method, headers, signal, extraResponseTimeout, streamsResponse }: SentRequest,
    { authorization, ...wire }: Pick<HttpRequest, 'isUntrusted' | 'url'> & { readonly authorization?: string },
    body: ReplayableBody,
    attempt: number,
  ): Promise<HttpResponse> {
    const request = describeRequest(method, wire.url);
    const { rateLimit } = this.#options;
    if (isManifestPush(method, wire.url)) await rateLimit?.acquire(signal === undefined ? {} : { signal });
    const start = performance.now();
    const report = (outcome: Pick<RequestEvent, 'error' | 'status'>) =>
      this.#options.onRequest?.({ request, attempt, milliseconds: performance.now() - start, ...outcome });
    let response: HttpResponse;
    try {
      response = await this.#sender.send({
        ...wire,
        method,
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
        body: body.value,
        extraResponseTimeout,
        streamsResponse,
        ...(signal !== undefined && { signal }),
      });
    } catch (error) {
      report({ error: error instanceof Error ? error : new Error(String(error)) });
      throw error;
    }
    report({ status: response.status });
    if (response.status === 429) rateLimit?.reportThrottled(start);
    return response;
  }

  async #readFailure(
    { method, signal }: RegistryRequest,
    { response, authorization }: AuthorizedResponse,
  ): Promise<RegistryError | OciError> {
    const { url, status, headers } = response;
    const body = await readWhole(response, method, MAX_ERROR_SIZE).catch(() => undefined);
    signal?.throwIfAborted();
    const isRejected = status === 401 && url.origin === this.origin;
    const remedy = isRejected ? this.#authorizer.describeRejection() : undefined;
    const host = isRejected ? this.#host : undefined;
    return describeFailure({ method, url, status, headers, body }, { authorization, host, remedy });
  }
}

/** Reports whether a request pushes a manifest: every attempt counts for the limits of registries. */
function isManifestPush(method: HttpMethod, { pathname }: URL): boolean {
  return method === 'PUT' && /\/manifests\/[^/]+$/.test(pathname);
}
