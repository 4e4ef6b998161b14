import type { EcrImageId, EcrImages } from '@soci/ecr';
import { OciError } from '@soci/oci';
import { FunctionError } from '../errors.ts';
import type { Log } from '../telemetry/logger.ts';
import type { IndexManifests } from './find-index.ts';

/** What may be deleted, and by what. */
export interface Removal {
  readonly images: EcrImages;
  readonly repository: string;
  readonly index: IndexManifests;
  /** Tag that the index was given. */
  readonly outputTag: string | undefined;
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
  const { index, outputTag, log } = removal;
  const { root, listed } = index;
  try {
    const tags = await readTags(removal);
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
    const unnamed = listed.filter(({ digest }) => !tags.has(digest));
    await remove(
      removal,
      unnamed.map(({ digest }) => ({ digest })),
    );
    log.info('the index is deleted', { root: root?.digest, manifests: unnamed.length });
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return;
    throw error;
  }
}

async function readTags({ images, repository, signal }: Removal): Promise<ReadonlyMap<string, readonly string[]>> {
  const tags = new Map<string, string[]>();
  for await (const { digest, tag } of images.listTags(repository, { signal })) {
    tags.set(digest, [...(tags.get(digest) ?? []), tag]);
  }
  return tags;
}

async function remove({ images, repository, signal }: Removal, ids: readonly EcrImageId[]): Promise<void> {
  const failures = await images.delete(repository, ids, { signal });
  const failure = failures.find(({ code }) => !LEFT_IN_PEACE.has(code));
  if (failure === undefined) return;
  const { code, reason, digest, tag } = failure;
  const message = `Amazon ECR does not delete ${tag ?? digest} of ${repository} (${code}): ${reason}`;
  throw new FunctionError('DELETION_REFUSED', message);
}
