import { type Descriptor, type Fetcher, isImageConfig, type RangeFetcher, type ReferrerLister } from '@soci/oci';
import { ImageFilesystem } from '../filesystem/image-filesystem.ts';
import { isContentError } from '../filesystem/read-layer.ts';
import { inspectImage } from '../inspect/inspect-image.ts';
import { findZtoc } from '../inspect/soci-document.ts';
import { type IndexLimits, resolveLimits } from '../options.ts';
import type { StartProfile } from '../profile/start-profile.ts';
import { predictFiles } from './predict-files.ts';
import { findReads } from './read-ranges.ts';
import { chooseSearchedLayers } from './searched-layers.ts';

/** Options of {@link hasProfileFile}. */
interface FindOptions {
  /** @default predicted from the image */
  readonly profile?: StartProfile | undefined;
  readonly limits?: IndexLimits | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns whether an indexed image has a file of the profile. Reads zTOCs and small layers, and for a prediction parts of
 * files. Returns true if the content cannot be read.
 *
 * @param image - A SOCI-enabled image, or an image with version 1 indexes.
 * @throws Errors of the store that are not about the content; the abort reason of the signal.
 */
export async function hasProfileFile(
  store: Fetcher & RangeFetcher & Partial<ReferrerLister>,
  image: Descriptor,
  { profile, limits: given, signal }: FindOptions,
): Promise<boolean> {
  const limits = resolveLimits(given);
  try {
    const { entries } = await inspectImage(store, image, { limits, ...(signal && { signal }) });
    for (const entry of entries) {
      if (entry.kind !== 'image' || !isImageConfig(entry.config.mediaType)) continue;
      const { config, indexes } = entry;
      const all = entry.layers.map((descriptor) => ({ descriptor }));
      const searched = chooseSearchedLayers(
        all,
        ({ descriptor }) => findZtoc(indexes, descriptor.digest) !== undefined,
      );
      const layers = searched.map(({ descriptor }) => descriptor);
      const { maxZtocSize } = limits;
      const files = new ImageFilesystem({ store, layers, indexes, maxZtocSize, signal });
      const wanted = profile?.files ?? (await predictFiles(store, config, files, { limits, signal }));
      const { isFound } = await findReads(files, wanted, signal);
      if (isFound.includes(true)) return true;
    }
    return false;
  } catch (error) {
    signal?.throwIfAborted();
    if (!isContentError(error)) throw error;
    return true;
  }
}
