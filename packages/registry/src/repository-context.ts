import type { CallOptions, Descriptor, OciLimits } from '@soci/oci';
import { type RepositoryAction, scopeFor } from './auth/scope.ts';
import type { BlobOptions } from './blobs/remote-blob.ts';
import type { RegistryHttp, RegistryRequest, WholeResponse } from './client/registry-http.ts';
import type { KeyedMutex } from './concurrency.ts';
import type { RetryOptions } from './options.ts';

/** What a call of a repository works with: what all of them share, and the caller's signal. */
export interface Context extends CallOptions {
  readonly http: RegistryHttp;
  /** Name of the repository, such as `team/app`. */
  readonly path: string;
  /** What messages call the repository: `host/team/app`. */
  readonly name: string;
  readonly limits: OciLimits;
  /** Bytes of one manifest. */
  readonly maxManifestSize: number;
  readonly retry: RetryOptions;
  readonly traits: RegistryTraits;
  /** Manifests that this repository is known to hold. */
  readonly manifests: ManifestCache;
  /** Lets one at a time write a list of referrers, among all users of one registry. */
  readonly turns: KeyedMutex;
  /** What reading blobs shares among all repositories of the registry. */
  readonly blobs: BlobOptions;
}

/** Sends a request that needs to be allowed `action` in the repository, as `RegistryHttp.exchange`. */
export function exchange(
  { http, path, signal }: Context,
  action: RepositoryAction,
  request: Omit<RegistryRequest, 'scope' | 'signal'>,
  maxSize?: number,
): Promise<WholeResponse> {
  return http.exchange({ ...request, scope: scopeFor(path, action), ...(signal && { signal }) }, maxSize);
}

/** What a registry was seen to do, so that it is not asked twice. Shared by all repositories of one registry. */
export interface RegistryTraits {
  /** Whether it has the referrers API, or referrers are listed under a tag; undefined until it was seen. */
  hasReferrersApi: boolean | undefined;
  /** Whether it takes a blob in the request that opens an upload (a single POST); undefined until it was seen. */
  takesSinglePost: boolean | undefined;
}

/** 16 MiB: the manifests of any image, and no more than four of the largest that a registry takes. */
const MAX_CACHED_BYTES = 2 ** 24;

/** Verified manifests by digest, so that resolving, reading and tagging one costs one request; the oldest give way. */
export class ManifestCache {
  readonly #manifests = new Map<string, Uint8Array>();
  #bytes = 0;

  /** The bytes of a manifest; not to be changed. Undefined where it is not here, or has another size than it says. */
  get({ digest, size }: Descriptor): Uint8Array | undefined {
    const raw = this.#manifests.get(digest);
    return raw?.length === size ? raw : undefined;
  }

  /** Keeps a manifest. The caller has checked that its digest is that of the bytes. */
  add(digest: string, raw: Uint8Array): void {
    this.delete(digest);
    this.#manifests.set(digest, raw);
    this.#bytes += raw.length;
    for (const oldest of this.#manifests.keys()) {
      if (this.#bytes <= MAX_CACHED_BYTES) break;
      this.delete(oldest);
    }
  }

  /** Forgets a manifest. */
  delete(digest: string): void {
    this.#bytes -= this.#manifests.get(digest)?.length ?? 0;
    this.#manifests.delete(digest);
  }
}
