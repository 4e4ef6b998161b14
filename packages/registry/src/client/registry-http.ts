import type { OciError } from '@soci/oci';
import type { Authorizer } from '../auth/authorizer.ts';
import type { RepositoryScope } from '../auth/scope.ts';
import { abortable } from '../concurrency.ts';
import { RegistryError } from '../errors.ts';
import type { RegistryOptions, RequestEvent } from '../options.ts';
import {
  describeRequest,
  type HttpRequest,
  type HttpResponse,
  type HttpSender,
  readWhole,
} from '../transport/http-message.ts';
import { decideScheme, type Scheme } from '../transport/scheme.ts';
import { describeFailure, MAX_ERROR_SIZE, readRejection } from './error-response.ts';
import { isRedirect, RedirectChain } from './redirect.ts';
import { ReplayableBody } from './replayable-body.ts';
import { Retries, type Timing } from './retry.ts';

/** A request to a registry. Credentials, redirects and retries are {@link RegistryHttp}'s affair. */
export interface RegistryRequest extends Pick<HttpRequest, 'body' | 'extraResponseTimeout' | 'method' | 'signal'> {
  /**
   * A path on the registry, with its query, such as `/v2/app/manifests/latest`; or a whole URL that the registry gave
   * before (an upload's `Location`, a blob's storage): one on another origin is sent no credentials.
   */
  readonly target: string | URL;
  /** By name in lower case. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the request needs to be allowed, for registries that give tokens by scope. */
  readonly scope: readonly RepositoryScope[];
  /** Statuses of 300 and above that are answers to the caller, not failures. @default [] */
  readonly expected?: readonly number[];
}

/** An answer whose body was read whole. */
export interface WholeResponse extends Pick<HttpResponse, 'headers' | 'status' | 'url'> {
  readonly body: Uint8Array;
}

/** 64 KiB. */
const MAX_SHORT_ANSWER = 2 ** 16;

/** Times that one attempt asks for other credentials: a token that expired, then one for another scope. */
const MAX_REAUTHORIZATIONS = 2;

/** What {@link RegistryHttp} is made from. */
export interface RegistryHttpOptions {
  /** Host, and port if need be, such as `localhost:5000`. */
  readonly host: string;
  readonly options?: Pick<RegistryOptions, 'onRequest' | 'plainHttp' | 'retry'>;
  readonly authorizer: Authorizer;
  readonly sender: HttpSender;
  /** @default time as it passes, chance as it comes */
  readonly timing?: Timing;
}

/** An answer, and the `Authorization` that the request carried; undefined where it carried none. */
interface Answer {
  readonly response: HttpResponse;
  readonly authorization?: string | undefined;
}

type SentRequest = RegistryRequest & Pick<HttpRequest, 'waitsForReceiver'>;

/**
 * Sends requests to one registry: with credentials to the registry itself, and nowhere else; follows redirects that are
 * safe; sends again what failed for a while, as often as the policy says.
 */
export class RegistryHttp {
  readonly #authorizer: Authorizer;
  readonly #host: string;
  readonly #options: NonNullable<RegistryHttpOptions['options']>;
  readonly #sender: HttpSender;
  readonly #timing: Timing | undefined;
  #scheme: Promise<Scheme> | undefined;
  #origin: URL;

  /** @throws RegistryError `OPTION_INVALID` if `host` is not a host. */
  constructor({ host, options = {}, authorizer, sender, timing }: RegistryHttpOptions) {
    const presumed = `${options.plainHttp === true ? 'http' : 'https'}://${host}`;
    if (!URL.canParse(presumed) || new URL(presumed).href !== `${new URL(presumed).origin}/`) {
      throw new RegistryError('OPTION_INVALID', `${JSON.stringify(host)} is no registry: expected HOST or HOST:PORT`);
    }
    this.#authorizer = authorizer;
    this.#host = host;
    this.#options = options;
    this.#sender = sender;
    this.#timing = timing;
    this.#origin = new URL(presumed);
  }

  /** Scheme, host and port of the registry. On loopback the scheme is known from the first answer on; https is presumed. */
  get origin(): string {
    return this.#origin.origin;
  }

  /**
   * Sends a request and returns the answer as soon as its headers are there; the body is the caller's, with its breaks.
   *
   * @throws RegistryError for every status of 300 and above that is not expected, with the registry's own words; what
   * the retries could not mend; the signal's reason.
   */
  open(request: RegistryRequest): Promise<HttpResponse> {
    return this.#retry({ ...request, waitsForReceiver: true }, async (response) => response);
  }

  /**
   * Sends a request and reads the whole answer; a body that breaks off is requested again, like any other failure.
   *
   * @param maxSize - Bytes of the body beyond which `LIMIT_EXCEEDED` is thrown, before they are buffered. @default 64 KiB,
   * for answers that hold nothing of interest but their headers
   */
  exchange(request: RegistryRequest, maxSize = MAX_SHORT_ANSWER): Promise<WholeResponse> {
    return this.#retry(request, async (response) => {
      const { status, headers, url } = response;
      return { status, headers, url, body: await readWhole(response, request.method, maxSize) };
    });
  }

  /** Sends a request and uses the answer, again and again as long as what fails may pass. */
  async #retry<T>(request: SentRequest, use: (response: HttpResponse) => Promise<T>): Promise<T> {
    const { expected = [], signal } = request;
    const retries = new Retries({ policy: this.#options.retry, timing: this.#timing, signal });
    const body = new ReplayableBody(request.body);
    for (;;) {
      let failure: unknown;
      let retryAfter: string | undefined;
      try {
        await abortable(this.#decideScheme(), signal);
        const answer = await this.#follow(request, body, retries.attempt);
        const { status, headers } = answer.response;
        if (status < 300 || expected.includes(status)) return await use(answer.response);
        retryAfter = headers['retry-after'];
        failure = await this.#readFailure(request, answer);
      } catch (error) {
        failure = error;
      }
      if (!body.isWhole) throw failure;
      await retries.next(failure, retryAfter);
    }
  }

  /** Before credentials go anywhere: they must not be what is tried on a connection that everybody can read. */
  async #decideScheme(): Promise<void> {
    this.#scheme ??= decideScheme(this.#host, this.#options.plainHttp);
    try {
      this.#origin = new URL(`${await this.#scheme}://${this.#host}`);
    } catch (error) {
      this.#scheme = undefined;
      throw error;
    }
  }

  /** Sends a request, and goes on where redirects lead. */
  async #follow(request: SentRequest, body: ReplayableBody, attempt: number): Promise<Answer> {
    const { method, target, expected = [] } = request;
    const first = typeof target === 'string' ? new URL(`${this.#origin.origin}${target}`) : target;
    const chain = new RedirectChain(method, first, this.#origin);
    for (;;) {
      const { url, isUntrusted } = chain;
      const answer = chain.isAtHome
        ? await this.#sendAuthorized(request, url, body, attempt)
        : { response: await this.#send(request, { url, isUntrusted }, body, attempt) };
      const { status, headers } = answer.response;
      if (!isRedirect(status, method) || expected.includes(status) || !body.isWhole) return answer;
      answer.response.discard();
      chain.follow(status, headers.location);
    }
  }

  /** Sends a request to the registry itself, with credentials; with others where these are not taken. */
  async #sendAuthorized(request: SentRequest, url: URL, body: ReplayableBody, attempt: number): Promise<Answer> {
    const { method, scope, signal } = request;
    const call = signal === undefined ? {} : { signal };
    for (let again = 0; ; again += 1) {
      const authorization = await this.#authorizer.authorize(scope, call);
      const wire = { url, ...(authorization !== undefined && { authorization }) };
      const sent = await this.#send(request, wire, body, attempt);
      const { response, isRejected } = await readRejection(sent, method);
      if (!isRejected || again === MAX_REAUTHORIZATIONS || !body.isWhole) return { response, authorization };
      const challenge = response.headers['www-authenticate'];
      if (!(await this.#authorizer.reauthorize(scope, challenge, authorization, call)))
        return { response, authorization };
    }
  }

  async #send(
    { method, headers, signal, extraResponseTimeout, waitsForReceiver }: SentRequest,
    { authorization, ...wire }: Pick<HttpRequest, 'isUntrusted' | 'url'> & { readonly authorization?: string },
    body: ReplayableBody,
    attempt: number,
  ): Promise<HttpResponse> {
    const request = describeRequest(method, wire.url);
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
        waitsForReceiver,
        ...(signal !== undefined && { signal }),
      });
    } catch (error) {
      report({ error: error instanceof Error ? error : new Error(String(error)) });
      throw error;
    }
    report({ status: response.status });
    return response;
  }

  async #readFailure(
    { method, signal }: RegistryRequest,
    { response, authorization }: Answer,
  ): Promise<RegistryError | OciError> {
    const { url, status, headers } = response;
    const body = await readWhole(response, method, MAX_ERROR_SIZE).catch(() => undefined);
    signal?.throwIfAborted();
    const remedy = status === 401 && url.origin === this.origin ? this.#authorizer.describeRefusal() : undefined;
    return describeFailure({ method, url, status, headers, body }, { authorization, remedy });
  }
}
