import type { BasicCredentials } from './auth/access-policy.ts';
import type { AuthOption } from './auth/authenticator.ts';
import { TestRegistryError } from './errors.ts';
import type { EcrImageActionEvent } from './events.ts';
import type { FaultRule, InjectedFault, RequestRecord } from './http/faults.ts';
import type { StoredManifest } from './store/registry-store.ts';

/** What the registry is to be like. */
export interface TestRegistryOptions {
  /** Port of the OCI API. @default any that is free */
  readonly port?: number;
  /** Serve TLS: with a certificate for loopback that is made at the start, or one of yours, PEM. @default false */
  readonly tls?: boolean | { readonly key: string; readonly cert: string };
  /**
   * Whom to let in: everybody; who knows a name and a password, sent as Basic; who has a token of a token service, sent
   * as Bearer; or `'ecr'`: who has a token that `GetAuthorizationToken` gave, sent as Basic with the name `AWS`.
   *
   * @default 'none'
   */
  readonly auth?: AuthOption;
  /** Answer the `GET` of a blob with 307 to signed addresses on a second port. @default false */
  readonly redirects?: boolean;
  /** Milliseconds that a signed address is good for. @default 3,600,000 */
  readonly urlLifetime?: number;
  /** Milliseconds that a token is good for. @default 43,200,000: 12 hours, as ECR's */
  readonly tokenLifetime?: number;
  /** Serve the referrers API. @default true */
  readonly referrers?: boolean;
  /** Refuse what Amazon ECR refuses. @default false */
  readonly ecr?: boolean;
  /** Refuse to move a tag, in repositories that are not created otherwise. @default false */
  readonly immutableTags?: boolean;
  /** Make a repository when it is first pushed to. @default true, with `ecr` false */
  readonly autoCreate?: boolean;
  /** Give uploads an absolute `Location`, scheme and host included. @default as `ecr` */
  readonly absoluteLocations?: boolean;
  /** Bytes that a part of an upload has at least, but for the last; announced as `OCI-Chunk-Min-Length`. @default 0 */
  readonly minChunkSize?: number;
  /** Take a blob whole in the `POST` (201); else only an upload is begun by it (202). @default false */
  readonly singlePost?: boolean;
  /** Tags or referrers in one answer at most. @default 1,000 */
  readonly pageSize?: number;
  /** Milliseconds that each answer takes longer. @default 0 */
  readonly latency?: number;
  /** Bytes a second that a connection carries, in each direction. @default no limit */
  readonly rate?: number;
  /** Keep blobs in this folder, which is made where it is missing. @default in memory */
  readonly folder?: string;
  /** Account that the registry belongs to. @default '123456789012' */
  readonly account?: string;
  /** Region that the registry is in. @default 'us-east-1' */
  readonly region?: string;
}

/** A registry that runs. */
export interface TestRegistry {
  /** Host and port of the OCI API, such as `127.0.0.1:40123`. */
  readonly host: string;
  /** Scheme, host and port of the OCI API. */
  readonly url: string;
  /** Scheme, host and port of the storage that blobs are redirected to. */
  readonly storageUrl: string;
  /** Where ECR's own API is: the `endpoint` of an `ECRClient`. Always plain HTTP. */
  readonly awsEndpoint: string;
  /** The certificate authority to trust, PEM; where the registry serves TLS with its own certificate. */
  readonly ca?: string;
  /** What gets in: the name and password given, with `auth: 'ecr'` a new token. Empty texts where all get in. */
  readonly credentials: BasicCredentials;
  /** The requests that came in, all ports together, in their order. */
  readonly requests: readonly RequestRecord[];
  /** The events of every push and delete, in their order. */
  readonly events: readonly EcrImageActionEvent[];

  /** Forgets the requests so far. */
  clearRequests(): void;
  /** Calls `listener` with each event to come. @returns Ends it. */
  onEvent(listener: (event: EcrImageActionEvent) => void): () => void;
  /** Makes something go wrong. @throws TestRegistryError `OPTION_INVALID` */
  inject(rule: FaultRule): InjectedFault;
  /** Makes every token given out so far void. */
  expireTokens(): void;
  /** Makes every signed address given out so far void. */
  expireUrls(): void;

  /** Makes a repository, where a push would not. */
  createRepository(name: string): void;
  /** Puts a blob in, unasked. @returns Its digest. */
  putBlob(repository: string, bytes: Uint8Array): Promise<string>;
  /**
   * Puts a manifest in, unchecked: it may be any bytes. Under a digest as `reference` it is stored as that, be it so or
   * not; under a tag as what it is. No event is raised. Returns the digest that it is stored under.
   */
  putManifest(repository: string, reference: string, mediaType: string, bytes: Uint8Array): string;
  /** A manifest by tag or digest; undefined where there is none. */
  manifest(repository: string, reference: string): StoredManifest | undefined;
  /** A blob's bytes; undefined where the repository has none of that digest. */
  blob(repository: string, digest: string): Promise<Uint8Array | undefined>;
  /** The tags of a repository, sorted; none where there is no such repository. */
  tags(repository: string): readonly string[];

  /**
   * Copies an image out of an OCI image layout, with all that it refers to, and tags it. Returns its digest.
   *
   * @param reference - Its tag or digest in the layout. @default the only image there
   * @throws TestRegistryError `CONTENT_INVALID`, `NOT_FOUND`
   */
  loadLayout(repository: string, folder: string, tag: string, reference?: string): Promise<string>;
  /** What is missing or of another size of all that an image refers to, a sentence each; none where it is whole. */
  checkGraph(repository: string, reference: string): readonly string[];

  /** Ends everything at once, connections under way included. */
  stop(): Promise<void>;
}

/** The least value of each option that is a number. */
const MINIMA = { port: 0, urlLifetime: 1, tokenLifetime: 1, minChunkSize: 0, pageSize: 1, latency: 0, rate: 1 };

/** @throws TestRegistryError `OPTION_INVALID` where a number is none, or too small. */
export function checkOptions(options: TestRegistryOptions): void {
  for (const [name, least] of Object.entries(MINIMA)) {
    const value = options[name as keyof typeof MINIMA] ?? least;
    if (!(value >= least)) throw new TestRegistryError('OPTION_INVALID', `${name} is ${value}: at least ${least}`);
  }
}
