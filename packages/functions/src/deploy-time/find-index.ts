import { MEDIA_TYPE_SOCI_INDEX_V2, recognizeConversion, recognizeIndexes } from '@soci/index';
import { type Descriptor, isImageIndex, OciError, parseImageIndex, readVerified } from '@soci/oci';
import type { Repository } from '@soci/registry';
import { buildOptions } from '../generator/build-proved.ts';
import { type IndexedResource, NOTHING_MADE } from './resource-id.ts';
import type { IndexRequest } from './resource-properties.ts';

/** The manifests that an index consists of. */
export interface IndexManifests {
  /** The SOCI-enabled image; absent with version 1. */
  readonly root?: Descriptor;
  /** What the root lists; with version 1 the SOCI indexes. */
  readonly listed: readonly Descriptor[];
}

/**
 * Finds what a resource has made, by what is in the repository; undefined where that is nothing, or not there any more. An
 * image that is no SOCI-enabled one is never among it.
 */
export async function findIndex(
  { digest, outputTag, indexing }: IndexedResource,
  { settings }: Pick<IndexRequest, 'settings'>,
  repository: Repository,
  signal: AbortSignal,
): Promise<IndexManifests | undefined> {
  if (indexing === NOTHING_MADE) return undefined;
  const named = await resolve(repository, digest, signal);
  if (named === undefined) return undefined;
  if (indexing === undefined) return openIndex(named, repository, signal);
  const options = buildOptions(settings, signal);
  if (settings.version === 1) {
    const found = await recognizeIndexes(repository, named, options);
    return found.isCurrent ? { listed: found.indexes } : undefined;
  }
  // Nobody waited for it, and its tag may name another image's by now.
  const current = outputTag === undefined ? undefined : await resolve(repository, outputTag, signal);
  if (current === undefined) return undefined;
  const { isCurrent } = await recognizeConversion(repository, named, current, options);
  return isCurrent ? openIndex(current, repository, signal) : undefined;
}

/** What a SOCI-enabled image lists; undefined where an image is none. */
async function openIndex(
  root: Descriptor,
  repository: Repository,
  signal: AbortSignal,
): Promise<IndexManifests | undefined> {
  if (!isImageIndex(root.mediaType)) return undefined;
  const { manifests } = parseImageIndex(await readVerified(repository, root, { signal }), root);
  return manifests.some(({ artifactType }) => artifactType === MEDIA_TYPE_SOCI_INDEX_V2)
    ? { root, listed: manifests }
    : undefined;
}

async function resolve(repository: Repository, name: string, signal: AbortSignal): Promise<Descriptor | undefined> {
  try {
    return await repository.resolve(name, { signal });
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
