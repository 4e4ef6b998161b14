import type { BasicCredentials } from './auth/access-policy.ts';
import type { AuthOption } from './auth/authenticator.ts';
import { TestRegistryError } from './errors.ts';
import type { EcrImageActionEvent } from './events.ts';
import type { FaultRule, InjectedFault, RequestRecord } from './http/faults.ts';
import type { StoredManifest } from './store/repository.ts';

/** Options of {@link startTestRegistry}. */
export interface TestRegistryOptions {
  /** Port of the OCI API. @default a free port */
  readonly port?: number;
  /** Serve TLS, with a generated certificate for loopback or with the given PEM key and certificate. @default false */
  readonly tls?: boolean | { readonly key: string; readonly cert: string };
  /** Require a client certificate, which is `TestRegistry.clientIdentity`. Requires `tls: true`. @default false */
  readonly clientCertificate?: boolean;
  /**
   * Authentication: none; a user name and password with Basic authentication; Bearer tokens from a token service; or
   * `'ecr'`: Basic authentication with the user name `AWS` and a token of `GetAuthorizationToken`.
   *
   * @default 'none'
   */
  readonly auth?: AuthOption;
  /** Redirect (307) the `GET` of a blob to a signed URL on another port. @default false */
  readonly redirects?: boolean;
  /** Lifetime of a signed URL, in milliseconds. @default 3,600,000 */
  readonly urlLifetime?: number;
  /** Lifetime of a token, in milliseconds. @default 43,200,000: 12 hours, as in ECR */
  readonly tokenLifetime?: number;
  /** Support the referrers API. @default true */
  readonly referrers?: boolean;
  /** Imitate Amazon ECR. @default false */
  readonly ecr?: boolean;
  /** Make tags immutable in repositories that are created without this setting. @default false */
  readonly immutableTags?: boolean;
  /** Create a repository on the first push. @default true, or false with `ecr` */
  readonly autoCreate?: boolean;
  /** Send absolute URLs in `Location` headers. @default the value of `ecr` */
  readonly absoluteLocations?: boolean;
  /** Minimum size of a chunk except the last, in bytes. Announced as `OCI-Chunk-Min-Length`. @default 0 */
  readonly minChunkSize?: number;
  /** Support single-POST uploads (201). Otherwise a `POST` only opens an upload (202). @default false */
  readonly singlePost?: boolean;
  /**
   * Maximum number of manifests that clients push per second. Further ones are answered with 429, as ECR does.
   *
   * @default no limit
   */
  readonly putRate?: number;
  /** Maximum number of tags, referrers or repositories per response. @default 1,000 */
  readonly pageSize?: number;
  /** Additional latency of each response, in milliseconds. @default 0 */
  readonly latency?: number;
  /** Bandwidth of a connection in each direction, in bytes per second. @default no limit */
  readonly rate?: number;
  /** Folder for blobs, created if missing. @default in memory */
  readonly folder?: string;
  /** AWS account of the registry. @default '123456789012' */
  readonly account?: string;
  /** AWS Region of the registry. @default 'us-east-1' */
  readonly region?: string;
}

/** A running registry. */
export interface TestRegistry {
  /** Host and port of the OCI API, such as `127.0.0.1:40123`. */
  readonly host: string;
  /** Scheme, host and port of the OCI API. */
  readonly url: string;
  /** Scheme, host and port of the blob storage that blobs are redirected to. */
  readonly storageUrl: string;
  /** URL of the ECR API, for `endpoint` of an `ECRClient`. Always plain HTTP. */
  readonly awsEndpoint: string;
  /** PEM certificate authority to trust, if the certificate was generated. */
  readonly ca?: string;
  /** PEM certificate and key that the registry accepts from clients, with `clientCertificate: true`. */
  readonly clientIdentity?: { readonly cert: string; readonly key: string };
  /**
   * Valid credentials: the configured user name and password, or a new token with `auth: 'ecr'`. Empty strings if no
   * credentials are required.
   */
  readonly credentials: BasicCredentials;
  /** Received requests on all ports, in order. */
  readonly requests: readonly RequestRecord[];
  /** Events of all pushes and deletes, in order. */
  readonly events: readonly EcrImageActionEvent[];

  /** Clears {@link TestRegistry.requests}. */
  clearRequests(): void;
  /** Calls `listener` with each later event. @returns a function that removes the listener */
  onEvent(listener: (event: EcrImageActionEvent) => void): () => void;
  /** Injects a fault. @throws TestRegistryError `OPTION_INVALID` */
  inject(rule: FaultRule): InjectedFault;
  /** Expires all tokens issued so far. */
  expireTokens(): void;
  /** Expires all signed URLs issued so far. */
  expireUrls(): void;

  /** Creates a repository. */
  createRepository(name: string): void;
  /** Stores a blob. @returns its digest */
  putBlob(repository: string, bytes: Uint8Array): Promise<string>;
  /**
   * Stores a manifest without validation: it may be any bytes. Under a digest as `reference` it is stored even if the
   * digest does not match; under a tag it is stored by its real digest. Raises no event.
   *
   * @param pushedAt - Time of the push. @default now
   * @returns the digest that it is stored under
   */
  putManifest(repository: string, reference: string, mediaType: string, bytes: Uint8Array, pushedAt?: Date): string;
  /**
   * Archives an image, as ECR does: the APIs list it only on request, and answer pulls as if it did not exist. Pushing
   * it again restores it.
   *
   * @throws TestRegistryError `NOT_FOUND`
   */
  archive(repository: string, reference: string): void;
  /** Denies every later request for a repository, except lists of repositories. Creates it if it does not exist. */
  denyAccess(repository: string): void;
  /** Returns a manifest by tag or digest; undefined if it does not exist. */
  manifest(repository: string, reference: string): StoredManifest | undefined;
  /** Returns the bytes of a blob; undefined if it does not exist in the repository. */
  blob(repository: string, digest: string): Promise<Uint8Array | undefined>;
  /** Returns the sorted tags of a repository; empty if it does not exist. */
  tags(repository: string): readonly string[];

  /**
   * Copies an image and everything that it refers to from an OCI image layout, and tags it. Returns its digest.
   *
   * @param reference - Tag or digest in the layout. @default the only image
   * @throws TestRegistryError `CONTENT_INVALID`, `NOT_FOUND`
   */
  loadLayout(repository: string, folder: string, tag: string, reference?: string): Promise<string>;
  /** Checks an image and everything that it refers to. Returns a sentence for each missing or mismatching item. */
  checkGraph(repository: string, reference: string): readonly string[];

  /** Stops the registry and closes all connections. */
  stop(): Promise<void>;
}

/** Minimum value of each numeric option. */
const MINIMA = {
  port: 0,
  urlLifetime: 1,
  tokenLifetime: 1,
  minChunkSize: 0,
  pageSize: 1,
  latency: 0,
  rate: 1,
  putRate: 1,
};

/** @throws TestRegistryError `OPTION_INVALID` if a number is invalid or too small */
export function checkOptions(options: TestRegistryOptions): void {
  for (const [name, minimum] of Object.entries(MINIMA)) {
    const value = options[name as keyof typeof MINIMA] ?? minimum;
    if (!(value >= minimum))
      throw new TestRegistryError('OPTION_INVALID', `${name} is ${value}: expected at least ${minimum}`);
  }
}
