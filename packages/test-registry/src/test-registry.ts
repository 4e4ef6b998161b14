import type { BasicCredentials } from './auth/access-policy.ts';
import type { EcrImageActionEvent } from './events.ts';
import type { FaultRule, InjectedFault } from './http/faults.ts';
import type { RequestRecord } from './http/request-record.ts';

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
   * not; under a tag as what it is. No event is raised.
   *
   * @returns The digest that it is stored under.
   */
  putManifest(repository: string, reference: string, mediaType: string, bytes: Uint8Array): string;
  /** A manifest by tag or digest; undefined where there is none. */
  manifest(
    repository: string,
    reference: string,
  ): { readonly digest: string; readonly mediaType: string; readonly bytes: Uint8Array } | undefined;
  /** A blob's bytes; undefined where the repository has none of that digest. */
  blob(repository: string, digest: string): Promise<Uint8Array | undefined>;
  /** The tags of a repository, sorted; none where there is no such repository. */
  tags(repository: string): readonly string[];

  /**
   * Copies an image out of an OCI image layout, with all that it refers to.
   *
   * @param folder - Of the layout.
   * @param tag - What the image is to be called here.
   * @param reference - Its tag or digest in the layout. @default the only image there
   * @returns Its digest.
   * @throws TestRegistryError `CONTENT_INVALID`, `NOT_FOUND`
   */
  loadLayout(repository: string, folder: string, tag: string, reference?: string): Promise<string>;
  /**
   * Looks at everything that an image refers to.
   *
   * @param reference - Tag or digest.
   * @returns What is missing or of another size, a sentence each; none where the image is whole.
   */
  checkGraph(repository: string, reference: string): readonly string[];

  /** Ends everything at once, connections under way included. */
  stop(): Promise<void>;
}
