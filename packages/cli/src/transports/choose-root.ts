import { MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import type { LayoutReader } from '@soci/oci/layout';
import { CliError, usageError } from '../errors.ts';
import type { ImageLocation, LayoutLocation } from './location.ts';
import { destinationTag } from './registry-location.ts';

/**
 * The manifest that a location names in a layout: by its tag, its digest, or its position in `index.json` (`@0`); the
 * only one where nothing is named. SOCI indexes that `create` has put beside an image do not count as images.
 *
 * @throws OciError `NOT_FOUND`, listing what is there; CliError `SOURCE_INVALID` for a position beyond the list.
 */
export async function chooseRoot(layout: LayoutReader, { reference, text }: LayoutLocation): Promise<Descriptor> {
  if (reference !== undefined && !reference.startsWith('@')) return layout.resolve(reference);
  const roots = await layout.roots();
  if (reference !== undefined) {
    const root = roots[Number(reference.slice(1))];
    if (root) return root;
    throw new CliError('SOURCE_INVALID', `${text}: the layout lists ${roots.length} manifests, counted from @0`);
  }
  const images = roots.filter(
    ({ artifactType }) => artifactType !== MEDIA_TYPE_SOCI_INDEX_V1 && artifactType !== MEDIA_TYPE_SOCI_INDEX_V2,
  );
  const [only, ...others] = images;
  return only && others.every(({ digest }) => digest === only.digest) ? only : layout.resolve();
}

/** The name that something written gets: empty where the location gives none, as with skopeo. */
export function destinationName(location: ImageLocation): string {
  if (location.transport === 'registry') return destinationTag(location);
  const { reference, text } = location;
  if (reference?.startsWith('@'))
    throw usageError(`${text}: a position cannot be written to`, 'Give it a tag, or none.');
  return reference ?? '';
}
