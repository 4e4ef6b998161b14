import type { OciLimits } from '@soci/oci';
import type { CredentialProvider } from '../credentials/credentials.ts';
import type { RetryOptions } from '../transport/retry.ts';

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
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told of every request. @default nobody is told */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Bounds on manifests. @default see `OciLimits` of `@soci/oci` */
  readonly limits?: OciLimits;
}
