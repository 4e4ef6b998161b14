import type { Descriptor } from '@soci/oci';
import type { ZtocSource } from '../options.ts';
import { findReusableZtocs } from '../reuse/find-reusable-ztocs.ts';
import { findSimilarTags } from '../reuse/similar-tags.ts';
import { can, type PublishJob } from './job.ts';

/**
 * Finds zTOCs of layers that were indexed before: of the image that bears the output tag, then of the image itself, then
 * of the images with the most similar tags. They are read only as far as layers are still missing. What cannot be read,
 * such as tags without the permission to list them, is skipped.
 *
 * @returns Undefined if neither store is a registry: what is on a disk is indexed faster than it is searched.
 */
export function reusableZtocs(job: PublishJob, current: Descriptor | undefined): ZtocSource | undefined {
  const { source, target, image, reuse, tag, sourceTag, isSamePlace, call, report } = job;
  if (typeof reuse !== 'boolean') return reuse;
  if (!reuse) return undefined;
  const options = {
    ...call,
    onSkipped: (candidate: { readonly descriptor?: Descriptor; readonly error: unknown }) =>
      report({ type: 'candidate-skipped', ...candidate }),
  };
  const places: ZtocSource[] = [];
  if (can(target, 'resolve', 'fetch', 'referrers', 'tags')) {
    const known = [tag, isSamePlace ? sourceTag : undefined].filter((each) => each !== undefined);
    // Listed at once, while the image's manifests are read: a layer that is new is looked for everywhere.
    const similar = findSimilarTags(target, tag ?? sourceTag ?? '', known, call).catch((error: unknown) => {
      if (!call.signal?.aborted) report({ type: 'candidate-skipped', error });
      return [];
    });
    const first = [...(current ? [current] : []), ...(isSamePlace ? [image] : [])];
    places.push(findReusableZtocs(target, inOrder(first, similar), options));
  }
  if (!isSamePlace && source.tags !== undefined) places.push(findReusableZtocs(source, [image], options));
  return places.length === 0 ? undefined : firstOf(places);
}

async function* inOrder<T>(first: readonly T[], others: Promise<readonly T[]>): AsyncGenerator<T, void, undefined> {
  yield* first;
  yield* await others;
}

function firstOf(places: readonly ZtocSource[]): ZtocSource {
  return {
    async find(...asked) {
      for (const place of places) {
        const found = await place.find(...asked);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}
