import type { OciLimits } from '@soci/oci';
import type { CredentialProvider } from './credentials/credentials.ts';
import type { Environment } from './environment.ts';
import { RegistryError } from './errors.ts';
import type { RateLimit } from './rate-limit.ts';

/** Options of {@link openRegistry}. */
export interface RegistryOptions {
  /**
   * Returns the credentials for a host.
   *
   * @default `dockerCredentials()`: the credentials of docker and podman, if any
   */
  readonly credentials?: CredentialProvider;
  /**
   * Authentication scheme of the registry, if known. Saves the request that is answered with 401.
   *
   * @default the scheme that the registry asks for
   */
  readonly authScheme?: 'basic';
  /**
   * Remedy for rejected credentials, appended to error messages. A clause without a full stop.
   *
   * @default run "docker login HOST", or use a user name and password that have access
   */
  readonly credentialsHint?: string;
  /** Whether the registry supports uploading a blob in a single POST. @default tried once */
  readonly singlePost?: boolean;
  /**
   * Use plain HTTP instead of HTTPS.
   *
   * @default true for a loopback host that does not answer a TLS handshake, otherwise false
   */
  readonly plainHttp?: boolean;
  /** PEM certificates to trust, in addition to those of the system. @default none */
  readonly ca?: string;
  /**
   * PEM certificate of the client, with its chain, for registries that require one (mutual TLS). Presented only to the
   * host of the registry. Requires `key`.
   *
   * @default none
   */
  readonly cert?: string;
  /** PEM private key of `cert`, unencrypted. @default none */
  readonly key?: string;
  /** Retry policy for transient failures. @default see {@link RetryOptions} */
  readonly retry?: RetryOptions;
  /**
   * Stall timeout in milliseconds: a connection without progress for this long is closed and the request retried.
   *
   * @default 30,000
   */
  readonly stallTimeout?: number;
  /**
   * Maximum number of concurrent connections to one host, from 2 to 1,000. Blob downloads use at most all but one of
   * them, so that their consumers can send requests to the same host in the meantime.
   *
   * @default 16
   */
  readonly maxConnections?: number;
  /**
   * Maximum read-ahead memory in bytes, shared by all blobs of the registry. If one connection is slower than the
   * consumer of a blob, parts are read over several connections. Their size and number follow the rate and the delay of
   * a connection. A blob starts with 16 MiB. Blobs that are read at the same time use at most 8 MiB each. 0 disables
   * this.
   *
   * @default 32 MiB
   */
  readonly maxReadAhead?: number;
  /**
   * Environment variables, for proxies (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) and credentials files.
   *
   * @default `process.env`
   */
  readonly env?: Environment;
  /**
   * Limits how many manifests are pushed per second, to all repositories of the registry.
   *
   * @default no limit
   */
  readonly rateLimit?: RateLimit;
  /** Called after every request. @default none */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Limits on manifests. @default see `OciLimits` of `@soci/oci` */
  readonly limits?: OciLimits;
}

/** A request that received a response or failed, for logs and metrics. Contains no secrets. */
export interface RequestEvent {
  /** Method and URL, such as `GET https://host/v2/app/manifests/latest`, without query and credentials. */
  readonly request: string;
  /** Number of the attempt, from 1. Retries increase it, redirects do not. */
  readonly attempt: number;
  /** HTTP status of the response, if any. */
  readonly status?: number;
  /** The failure, if no response was received. */
  readonly error?: Error;
  /** Milliseconds until the response headers were received, or until the failure. */
  readonly milliseconds: number;
}

/** Retry policy for transient failures: status 408, 429, 500, 502, 503 and 504, and connections that break or stall. */
export interface RetryOptions {
  /** Maximum number of attempts, including the first: 1 to 1,000. @default 6 */
  readonly maxAttempts?: number;
  /**
   * Delay before the first retry, in milliseconds. Doubles with each retry; the actual delay is a random 50 to 100
   * percent of it.
   *
   * @default 250
   */
  readonly baseDelay?: number;
  /** Maximum delay in milliseconds, including a delay requested by `Retry-After`. @default 30,000 */
  readonly maxDelay?: number;
}

/** Returns the options with their defaults. @throws RegistryError `OPTION_INVALID` if a number is out of range */
export function checkRetryOptions(policy: RetryOptions): Required<RetryOptions> {
  return {
    maxAttempts: checkOption('retry.maxAttempts', policy.maxAttempts ?? 6, 1, 1000),
    baseDelay: checkOption('retry.baseDelay', policy.baseDelay ?? 250, 0, MAX_TIMEOUT),
    maxDelay: checkOption('retry.maxDelay', policy.maxDelay ?? 30_000, 0, MAX_TIMEOUT),
  };
}

/** Maximum delay of a Node.js timer, in milliseconds. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** Returns `value` if it is an integer from `min` to `max`. @throws RegistryError `OPTION_INVALID` */
export function checkOption(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new RegistryError('OPTION_INVALID', `${name} is ${value}: expected an integer from ${min} to ${max}`);
}
