import type { EcrImageId, EcrImages } from '@soci/ecr';
import { MEDIA_TYPE_SOCI_INDEX_V2, recognizeConversion, recognizeIndexes } from '@soci/index';
import { type Descriptor, isImageIndex, OciError, parseImageIndex, readVerified } from '@soci/oci';
import type { Repository } from '@soci/registry';
import type { GeneratorSettings } from '../environment/generator-settings.ts';
import { FunctionError } from '../errors.ts';
import { buildOptions } from '../generator/index-digest.ts';
import type { Log } from '../invocation.ts';
import { formatResourceId, type IndexedResource, NOTHING_MADE } from './resource.ts';

/** What is deleted, and by what. */
export interface Removal {
  readonly resource: IndexedResource;
  /** The settings that the index was made with. */
  readonly settings: GeneratorSettings;
  readonly repository: Repository;
  readonly images: EcrImages;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Why an image that is left does not matter: it is gone already, or somebody else's image index lists it. */
const LEFT_IN_PEACE: ReadonlySet<string> = new Set(['ImageNotFound', 'ImageReferencedByManifestList']);

/**
 * Deletes an index: its tag, the SOCI-enabled image, and what that lists; but nothing that has another tag, or that another
 * image index lists. The root goes first: as long as it is there, Amazon ECR deletes nothing that it lists.
 *
 * @throws FunctionError `DELETION_REFUSED` with Amazon ECR's words; what `EcrImages` throws.
 */
export async function removeIndex(removal: Removal): Promise<void> {
  const { resource, log } = removal;
  const index = await findIndex(removal);
  if (index === undefined) {
    log.info('there is no index to delete', { resource: formatResourceId(resource) });
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
        log.info('the SOCI-enabled image stays: it has other tags', { digest: root.digest, tags: others.slice(0, 10) });
        return;
      }
      // Amazon ECR has deleted it with its last tag; what has none is still there.
      await remove(removal, [{ digest: root.digest }]);
    }
    const unnamed = listed.filter(({ digest }) => !tags.has(digest)).map(({ digest }) => ({ digest }));
    await remove(removal, unnamed);
    log.info('the index is deleted', { root: root?.digest, manifests: unnamed.length });
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return;
    throw error;
  }
}

/** The manifests that an index consists of. */
interface IndexManifests {
  /** The SOCI-enabled image; absent with version 1. */
  readonly root?: Descriptor;
  /** What the root lists; with version 1 the SOCI indexes. */
  readonly listed: readonly Descriptor[];
}

/**
 * Finds what a resource has made, by what is in the repository; undefined where that is nothing, or not there any more. An
 * image that is no SOCI-enabled one is never among it.
 */
async function findIndex({
  resource: { digest, outputTag, indexing },
  settings,
  repository,
  signal,
}: Removal): Promise<IndexManifests | undefined> {
  if (indexing === NOTHING_MADE) return undefined;
  const named = await resolve(repository, digest, signal);
  if (named === undefined) return undefined;
  if (indexing === undefined) return openIndex(named, repository, signal);
  const options = buildOptions(settings, signal);
  if (settings.version === 1) {
    const found = await recognizeIndexes(repository, named, options);
    return found.outcome === 'current' ? { listed: found.indexes } : undefined;
  }
  // Nobody waited for it, and its tag may name another image's by now.
  const current = outputTag === undefined ? undefined : await resolve(repository, outputTag, signal);
  if (current === undefined) return undefined;
  const { outcome } = await recognizeConversion(repository, named, current, options);
  return outcome === 'current' ? openIndex(current, repository, signal) : undefined;
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

async function remove(
  { images, resource: { repository }, signal }: Removal,
  ids: readonly EcrImageId[],
): Promise<void> {
  const failures = await images.delete(repository, ids, { signal });
  const failure = failures.find(({ code }) => !LEFT_IN_PEACE.has(code));
  if (failure === undefined) return;
  const { code, reason, digest, tag } = failure;
  const message = `Amazon ECR does not delete ${tag ?? digest} of ${repository} (${code}): ${reason}`;
  throw new FunctionError('DELETION_REFUSED', message);
}
