import type { CallOptions, Descriptor, OciLimits } from '@soci/oci';
import { type RepositoryAction, scopeFor } from './auth/scope.ts';
import type { BlobOptions } from './blobs/remote-blob.ts';
import type { RegistryHttp, RegistryRequest, WholeResponse } from './client/registry-http.ts';
import type { KeyedMutex } from './concurrency.ts';
import type { RetryOptions } from './options.ts';

/** Context of a repository call: the state shared by all calls, and the caller's signal. */
export interface Context extends CallOptions {
  readonly http: RegistryHttp;
  /** Name of the repository, such as `team/app`. */
  readonly path: string;
  /** Name of the repository in messages: `host/team/app`. */
  readonly name: string;
  readonly limits: OciLimits;
  /** Maximum size of a manifest, in bytes. */
  readonly maxManifestSize: number;
  readonly retry: RetryOptions;
  readonly capabilities: RegistryCapabilities;
  /** Manifests that are known to exist in this repository. */
  readonly manifests: ManifestCache;
  /** Serializes updates of referrers tags, across all repositories of the registry. */
  readonly referrersMutex: KeyedMutex;
  /** State of blob downloads, shared by all repositories of the registry. */
  readonly blobs: BlobOptions;
}

/** Sends a request that requires permission for `action` on the repository. See `RegistryHttp.exchange`. */
export function exchange(
  { http, path, signal }: Context,
  action: RepositoryAction,
  request: Omit<RegistryRequest, 'scope' | 'signal'>,
  maxSize?: number,
): Promise<WholeResponse> {
  return http.exchange({ ...request, scope: scopeFor(path, action), ...(signal && { signal }) }, maxSize);
}

/** Detected capabilities of a registry, shared by all of its repositories. */
export interface RegistryCapabilities {
  /** Whether it implements the referrers API. If not, referrers are listed under a tag. Undefined until detected. */
  hasReferrersApi: boolean | undefined;
  /** Whether it accepts a blob in the request that opens an upload (single POST). Undefined until detected. */
  supportsSinglePost: boolean | undefined;
}

/** 16 MiB: enough for the manifests of any image, or four manifests of the maximum size. */
const MAX_CACHED_BYTES = 2 ** 24;

/**
 * Caches verified manifests by digest, so that resolving, reading and tagging one costs one request. Evicts the oldest.
 */
export class ManifestCache {
  readonly #manifests = new Map<string, Uint8Array>();
  #bytes = 0;

  /**
   * Returns the bytes of a manifest, which must not be modified. Returns undefined if it is not cached or has another
   * size.
   */
  get({ digest, size }: Descriptor): Uint8Array | undefined {
    const raw = this.#manifests.get(digest);
    return raw?.length === size ? raw : undefined;
  }

  /** Adds a manifest. The caller has verified the digest of the bytes. */
  add(digest: string, raw: Uint8Array): void {
    this.delete(digest);
    this.#manifests.set(digest, raw);
    this.#bytes += raw.length;
    for (const oldest of this.#manifests.keys()) {
      if (this.#bytes <= MAX_CACHED_BYTES) break;
      this.delete(oldest);
    }
  }

  /** Removes a manifest. */
  delete(digest: string): void {
    this.#bytes -= this.#manifests.get(digest)?.length ?? 0;
    this.#manifests.delete(digest);
  }
}
