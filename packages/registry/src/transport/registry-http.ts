import type { CallOptions } from '@soci/oci';
import type { RepositoryScope } from '../credentials/authorizer.ts';
import type { HttpBody, HttpMethod, HttpResponse } from './http-message.ts';

/** A request to a registry. Credentials, redirects and retries are {@link RegistryHttp}'s affair. */
export interface RegistryRequest extends CallOptions {
  readonly method: HttpMethod;
  /**
   * A path on the registry, with its query, such as `/v2/app/manifests/latest`; or a whole URL that the registry gave
   * before (an upload's `Location`, a blob's storage): one on another origin is sent no credentials.
   */
  readonly target: string | URL;
  /** By name in lower case. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** @default no body */
  readonly body?: HttpBody;
  /** What the request needs to be allowed, for registries that give tokens by scope. */
  readonly scope: readonly RepositoryScope[];
  /** Statuses of 300 and above that are answers to the caller, not failures. @default [] */
  readonly expected?: readonly number[];
  /** Milliseconds that the registry may take for its answer, beyond the stall timeout. @default 0 */
  readonly thinkingTime?: number;
}

/** An answer whose body was read whole. */
export interface WholeResponse {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  readonly body: Uint8Array;
}

/**
 * Talks to one registry: sends credentials where the registry itself is asked, and nowhere else; follows redirects that
 * are safe; sends again what failed in passing, so often and so long as the policy says.
 */
export interface RegistryHttp {
  /** Scheme, host and port of the registry. On loopback the scheme is known from the first answer on; https is presumed. */
  readonly origin: string;
  /**
   * Sends a request and hands out the answer as soon as its headers are there; the body is the caller's, with its breaks.
   *
   * @throws RegistryError for every status of 400 and above that is not expected, with the registry's own words; what
   * the retries could not mend; the signal's reason.
   */
  open(request: RegistryRequest): Promise<HttpResponse>;
  /**
   * Sends a request and reads the whole answer; a body that breaks off is asked for again, like any other failure.
   *
   * @param maxSize - Bytes of the body beyond which `LIMIT_EXCEEDED` is raised, before they are buffered.
   */
  exchange(request: RegistryRequest, maxSize: number): Promise<WholeResponse>;
}
