import type { OciLimits } from '@soci/oci';
import type { CredentialProvider } from './credentials/credentials.ts';
import type { Environment } from './environment.ts';
import { RegistryError } from './errors.ts';

/** How to reach a registry. */
export interface RegistryOptions {
  /** Finds credentials by host. @default `dockerCredentials()`: those of docker and podman, if any */
  readonly credentials?: CredentialProvider;
  /**
   * The scheme of `Authorization` to use before the registry has asked for one, if it is known: saves the request that is
   * answered with 401. @default what the registry asks for
   */
  readonly authScheme?: 'basic';
  /**
   * What to do if the registry refuses the credentials, as a clause for error messages.
   * @default log in with docker login HOST, or give the name and password of somebody who may
   */
  readonly credentialsHint?: string;
  /** Whether the registry takes a whole blob in a single POST. @default tried once */
  readonly singlePost?: boolean;
  /** Speak http, not https. @default true on loopback where nothing answers https, else false */
  readonly plainHttp?: boolean;
  /** Certificates to trust beside the system's, PEM. @default none */
  readonly ca?: string;
  /** How failures in passing are met. @default see {@link RetryOptions} */
  readonly retry?: RetryOptions;
  /** Milliseconds without a byte after which a connection counts as stalled. @default 30,000 */
  readonly stallTimeout?: number;
  /**
   * Connections to one host at a time, at least 2. One is kept for what is answered at once, so that blobs that wait for
   * their receivers hold up nothing that these may need first. @default 16
   */
  readonly maxConnections?: number;
  /**
   * Bytes that the blobs of the registry may be read ahead of their receivers, together, where one connection is slower
   * than its receiver; in parts of 4 MiB, each with a connection. 0: one connection a blob. @default 32 MiB
   */
  readonly maxReadAhead?: number;
  /** Where proxies are named (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), and files of credentials. @default `process.env` */
  readonly env?: Environment;
  /** Told of every request. @default nobody is told */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Bounds on manifests. @default see `OciLimits` of `@soci/oci` */
  readonly limits?: OciLimits;
}

/** A request that was answered, or failed; for logs and counts. Nothing in it is secret. */
export interface RequestEvent {
  /** Such as `GET https://host/v2/app/manifests/latest`: without query and credentials. */
  readonly request: string;
  /** From 1; a request that is sent again counts on, one that follows a redirect does not. */
  readonly attempt: number;
  /** HTTP status; absent where no answer came. */
  readonly status?: number;
  /** What went wrong, where no answer came. */
  readonly error?: Error;
  /** Milliseconds until the answer's headers were there. */
  readonly milliseconds: number;
}

/** How failures in passing are met: 408, 429, 500, 502, 503, 504, connections that break or stall. */
export interface RetryOptions {
  /** Times that a request is sent, the first included: 1 to 1,000. @default 6 */
  readonly maxAttempts?: number;
  /** Milliseconds of the first wait; each further one may be twice as long, and a random half of it is waited or more. @default 250 */
  readonly baseDelay?: number;
  /** Milliseconds of the longest wait, a `Retry-After` included. @default 30,000 */
  readonly maxDelay?: number;
}

/** The options with their defaults. @throws RegistryError `OPTION_INVALID` for a number out of its range */
export function checkRetryOptions(policy: RetryOptions): Required<RetryOptions> {
  return {
    maxAttempts: checkOption('retry.maxAttempts', policy.maxAttempts ?? 6, 1, 1000),
    baseDelay: checkOption('retry.baseDelay', policy.baseDelay ?? 250, 0, MAX_TIMEOUT),
    maxDelay: checkOption('retry.maxDelay', policy.maxDelay ?? 30_000, 0, MAX_TIMEOUT),
  };
}

/** The longest time that a timer of Node's can wait, in milliseconds. */
export const MAX_TIMEOUT = 2 ** 31 - 1;

/** Hands a number back where it is whole and in its range. @throws RegistryError `OPTION_INVALID` */
export function checkOption(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RegistryError('OPTION_INVALID', `${name} is a whole number from ${least} to ${most}, found ${value}`);
}
