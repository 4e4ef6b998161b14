import { type Descriptor, parseDigest } from '@soci/oci';
import type { RepositoryScope } from '../../credentials/authorizer.ts';
import type { RegistryHttp } from '../../transport/registry-http.ts';
import type { RetryOptions } from '../../transport/retry.ts';
import type { BlobLocations } from './blob-locations.ts';

/** How the blobs of a registry are read. */
export interface BlobOptions {
  /** Where blobs were found before; shared by all repositories of a registry. @default the registry is asked each time */
  readonly locations?: BlobLocations;
  /** How a body that breaks off is met. @default see {@link RetryOptions} */
  readonly retry?: RetryOptions;
}

/** A blob, and whom to ask for it. */
export class RemoteBlob {
  readonly http: RegistryHttp;
  readonly repository: string;
  readonly digest: string;
  /** In bytes, as its descriptor says. */
  readonly size: number;
  readonly locations: BlobLocations | undefined;
  readonly retry: RetryOptions;

  /** @throws OciError `DIGEST_INVALID`: a digest becomes part of a URL. */
  constructor(http: RegistryHttp, repository: string, target: Descriptor, options: BlobOptions) {
    parseDigest(target.digest);
    this.http = http;
    this.repository = repository;
    this.digest = target.digest;
    this.size = target.size;
    this.locations = options.locations;
    this.retry = options.retry ?? {};
  }

  /** Its path on the registry. @see OCI distribution-spec v1.1, "Pulling blobs" */
  get path(): string {
    return `/v2/${this.repository}/blobs/${this.digest}`;
  }

  /** What reading it needs to be allowed. */
  get scope(): readonly RepositoryScope[] {
    return [{ repository: this.repository, actions: ['pull'] }];
  }

  /** The request for it, for error messages. */
  get request(): string {
    return `GET ${this.http.origin}${this.path}`;
  }
}
