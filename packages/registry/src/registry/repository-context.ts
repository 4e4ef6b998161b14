import type { OciLimits } from '@soci/oci';
import type { RepositoryAction, RepositoryScope } from '../credentials/authorizer.ts';
import type { RegistryHttp } from '../transport/registry-http.ts';
import type { RetryOptions } from '../transport/retry.ts';
import type { FetchBlobOptions } from './blobs/fetch-blob.ts';
import type { ManifestCache } from './manifests/manifest-cache.ts';
import type { TurnTaker } from './referrers/turn-taker.ts';
import type { RegistryTraits } from './registry-traits.ts';

/** What the parts of one repository's client share. */
export interface RepositoryContext {
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
  readonly turns: TurnTaker;
  /** What reading blobs shares among all repositories of the registry. */
  readonly blobs: Pick<FetchBlobOptions, 'locations' | 'readAhead' | 'retry'>;
}

/** What reading from the repository needs to be allowed. */
export function pullScope({ path }: RepositoryContext): readonly RepositoryScope[] {
  return scopeOf(path, 'pull');
}

/** What writing to the repository needs to be allowed; registries want reading with it. */
export function pushScope({ path }: RepositoryContext): readonly RepositoryScope[] {
  return scopeOf(path, 'pull', 'push');
}

/** What deleting from the repository needs to be allowed. */
export function deleteScope({ path }: RepositoryContext): readonly RepositoryScope[] {
  return scopeOf(path, 'pull', 'delete');
}

function scopeOf(repository: string, ...actions: RepositoryAction[]): readonly RepositoryScope[] {
  return [{ repository, actions }];
}
