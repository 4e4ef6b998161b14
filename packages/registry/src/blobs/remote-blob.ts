import { type Descriptor, parseDigest } from '@soci/oci';
import type { RegistryHttp } from '../client/registry-http.ts';
import type { RetryOptions } from '../options.ts';
import type { BlobUrlCache } from './blob-url-cache.ts';
import type { ReadAheadPool } from './read-ahead-pool.ts';

/** Options for reading blobs, shared by all repositories of a registry. */
export interface BlobOptions {
  /** Cache of storage URLs. @default every request goes to the registry */
  readonly urlCache?: BlobUrlCache;
  /** Buffers for reading ahead. @default one connection per blob */
  readonly readAhead?: ReadAheadPool;
  /** Retry policy for bodies that break off. @default see {@link RetryOptions} */
  readonly retry?: RetryOptions;
}

/** A blob in a registry. */
export class RemoteBlob {
  readonly http: RegistryHttp;
  readonly repository: string;
  readonly digest: string;
  /** URL path of the blob on the registry. */
  readonly path: string;
  /** Size in bytes, from the descriptor. */
  readonly size: number;
  readonly options: BlobOptions;

  /** @throws OciError `DIGEST_INVALID` */
  constructor(http: RegistryHttp, repository: string, { digest, size }: Descriptor, options: BlobOptions = {}) {
    this.path = blobPath(repository, digest);
    this.http = http;
    this.repository = repository;
    this.digest = digest;
    this.size = size;
    this.options = options;
  }

  /** The request for the blob, for error messages. */
  get request(): string {
    return `GET ${this.http.origin}${this.path}`;
  }
}

/**
 * Returns the URL path of a blob.
 *
 * @throws OciError `DIGEST_INVALID`
 * @see OCI distribution-spec v1.1, "Pulling blobs"
 */
export function blobPath(repository: string, digest: string): string {
  parseDigest(digest);
  return `/v2/${repository}/blobs/${digest}`;
}
