import { type Descriptor, parseDigest } from '@soci/oci';
import type { RegistryHttp } from '../client/registry-http.ts';
import type { RetryOptions } from '../options.ts';
import type { BlobLocations } from './blob-locations.ts';
import type { ReadAhead } from './read-ahead.ts';

/** How the blobs of a registry are read; shared by all of its repositories. */
export interface BlobOptions {
  /** Where blobs were found before. @default the registry is asked each time */
  readonly locations?: BlobLocations;
  /** Memory for parts that are read ahead. @default none: one connection a blob */
  readonly readAhead?: ReadAhead;
  /** How a body that breaks off is met. @default see {@link RetryOptions} */
  readonly retry?: RetryOptions;
}

/** A blob, and whom to ask for it. */
export class RemoteBlob {
  readonly http: RegistryHttp;
  readonly repository: string;
  readonly digest: string;
  /** Its path on the registry. */
  readonly path: string;
  /** In bytes, as its descriptor says. */
  readonly size: number;
  readonly options: BlobOptions;

  /** @throws OciError `DIGEST_INVALID`: a digest becomes part of a URL. */
  constructor(http: RegistryHttp, repository: string, { digest, size }: Descriptor, options: BlobOptions = {}) {
    this.path = blobPath(repository, digest);
    this.http = http;
    this.repository = repository;
    this.digest = digest;
    this.size = size;
    this.options = options;
  }

  /** The request for it, for error messages. */
  get request(): string {
    return `GET ${this.http.origin}${this.path}`;
  }
}

/** Path of a blob on the registry. @throws OciError `DIGEST_INVALID`: a digest becomes part of a URL. @see OCI distribution-spec v1.1, "Pulling blobs" */
export function blobPath(repository: string, digest: string): string {
  parseDigest(digest);
  return `/v2/${repository}/blobs/${digest}`;
}
