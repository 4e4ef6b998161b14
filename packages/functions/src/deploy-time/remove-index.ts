import type { EcrImageId, EcrImages } from '@soci/ecr';
import {
  findStoredProfile,
  type IndexImageOptions,
  MEDIA_TYPE_SOCI_INDEX_V2,
  recognizeConversion,
  recognizeIndexes,
  SociIndexError,
  type StartProfile,
} from '@soci/index';
import { type Descriptor, isImageIndex, OciError, parseImageIndex, readVerified } from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import { FunctionError } from '../errors.ts';
import { buildOptions } from '../generator/index-digest.ts';
import type { Log } from '../invocation.ts';
import { formatResourceId, type IndexedResource, NO_INDEX_CREATED } from './resource.ts';

/** Input of {@link removeIndex}. */
export interface Removal {
  readonly resource: IndexedResource;
  /** The settings that the index was created with. */
  readonly settings: GeneratorSettings;
  readonly repository: Repository;
  readonly images: EcrImages;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Failure codes that are not errors: the image is already deleted, or another image index lists it. */
const IGNORED_FAILURES: ReadonlySet<string> = new Set(['ImageNotFound', 'ImageReferencedByManifestList']);

/**
 * Deletes an index: its tag, the SOCI-enabled image, and the manifests that this image lists. Keeps manifests that have another
 * tag or that another image index lists. The root is deleted first, because Amazon ECR does not delete manifests that it lists.
 *
 * @throws FunctionError `DELETION_REFUSED` with the reason from Amazon ECR, or an error of `EcrImages`.
 */
export async function removeIndex(removal: Removal): Promise<void> {
  const { resource, log } = removal;
  const index = await findIndex(removal);
  if (index === undefined) {
    log.info('no index to delete', { resource: formatResourceId(resource) });
    return;
  }
  const { root, listed } = index;
  const { outputTag } = resource;
  try {
    const { images, signal } = removal;
    const tags = new Map<string, string[]>();
    for await (const { digest, tag } of images.listTags(resource.repository, { signal })) {
      tags.set(digest, [...(tags.get(digest) ?? []), tag]);
    }
    if (root !== undefined) {
      const names = tags.get(root.digest) ?? [];
      if (outputTag !== undefined && names.includes(outputTag)) await remove(removal, [{ tag: outputTag }]);
      const others = names.filter((name) => name !== outputTag);
      if (others.length > 0) {
        log.info('kept the SOCI-enabled image: it has other tags', { digest: root.digest, tags: others.slice(0, 10) });
        return;
      }
      // Amazon ECR deletes an image with its last tag. An untagged image still exists.
      await remove(removal, [{ digest: root.digest }]);
    }
    const untagged = listed.filter(({ digest }) => !tags.has(digest)).map(({ digest }) => ({ digest }));
    await remove(removal, untagged);
    log.info('deleted the index', { root: root?.digest, manifests: untagged.length });
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return;
    throw error;
  }
}

/** The manifests of an index. */
interface IndexManifests {
  /** The SOCI-enabled image. Absent for version 1. */
  readonly root?: Descriptor;
  /** The manifests that the root lists; for version 1, the SOCI indexes. */
  readonly listed: readonly Descriptor[];
}

/**
 * Finds the index of a resource in the repository. Returns undefined if none was created or it no longer exists. Never returns
 * an image that is not SOCI-enabled.
 */
async function findIndex({
  resource: { digest, outputTag, indexing },
  settings,
  repository,
  signal,
}: Removal): Promise<IndexManifests | undefined> {
  if (indexing === NO_INDEX_CREATED) return undefined;
  const named = await resolve(repository, digest, signal);
  if (named === undefined) return undefined;
  if (indexing === undefined) return openIndex(named, repository, signal);
  const options = { ...buildOptions(settings, signal), ...(await findSpanOptions(repository, settings, signal)) };
  if (settings.version === 1) {
    const found = await recognizeIndexes(repository, named, options);
    return found.outcome === 'current' ? { listed: found.indexes } : undefined;
  }
  // The index was created in the background. The tag may refer to another image's index now.
  const current = outputTag === undefined ? undefined : await resolve(repository, outputTag, signal);
  if (current === undefined) return undefined;
  const { outcome } = await recognizeConversion(repository, named, current, options);
  return outcome === 'current' ? openIndex(current, repository, signal) : undefined;
}

/** Returns the options of an index that follows a profile. If the profile has changed since, the index is not found. */
async function findSpanOptions(
  repository: Repository,
  { spanSize, useStoredProfile }: GeneratorSettings,
  signal: AbortSignal,
): Promise<Pick<IndexImageOptions, 'spanSize'> & { readonly profile?: StartProfile }> {
  if (spanSize !== 'auto' && !useStoredProfile) return {};
  const stored = await findStoredProfile(repository, { signal }).catch((error: unknown) => {
    if (error instanceof SociIndexError) return undefined;
    throw error;
  });
  if (stored !== undefined) return { spanSize: 'auto', profile: stored.profile };
  return useStoredProfile ? {} : { spanSize: 'auto' };
}

/** Returns the manifests of a SOCI-enabled image, or undefined for any other image. */
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

async function remove(
  { images, resource: { repository }, signal }: Removal,
  ids: readonly EcrImageId[],
): Promise<void> {
  const failures = await images.delete(repository, ids, { signal });
  const failure = failures.find(({ code }) => !IGNORED_FAILURES.has(code));
  if (failure === undefined) return;
  const { code, reason, digest, tag } = failure;
  const message = `Amazon ECR did not delete ${tag ?? digest} of ${repository} (${code}): ${reason}`;
  throw new FunctionError('DELETION_REFUSED', message);
}
