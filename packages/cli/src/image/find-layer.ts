import type { ZtocReference } from '@soci/index';
import type { Descriptor } from '@soci/oci';
import { CliError, usageError } from '../errors.ts';
import type { ImageDescription, PlatformImage } from './describe-image.ts';

/** The zTOC that a SOCI index of the image has for a layer: the newest version first; undefined where none has one. */
export function findZtoc({ sociIndexes }: PlatformImage, layer: string): ZtocReference | undefined {
  return sociIndexes
    .toSorted((a, b) => b.version - a.version)
    .flatMap(({ ztocs }) => ztocs)
    .find(({ layerDigest }) => layerDigest === layer);
}

/**
 * The layer that a person names by its digest, or by the beginning of it, with or without `sha256:`.
 *
 * @throws CliError `USAGE_INVALID` where the beginning is too short or several layers share it, `SOURCE_INVALID` where no
 * layer has it.
 */
export function findLayer(
  { images }: ImageDescription,
  named: string,
): { readonly image: PlatformImage; readonly layer: Descriptor } {
  const hex = named.replace(/^sha(256|512):/, '').toLowerCase();
  if (!/^[0-9a-f]{6,128}$/.test(hex)) {
    throw usageError(`${JSON.stringify(named)} is no digest`, 'Give at least six of its hex digits.');
  }
  const found = images.flatMap((image) =>
    image.layers
      .filter(({ digest }) => digest.slice(digest.indexOf(':') + 1).startsWith(hex))
      .map((layer) => ({ image, layer })),
  );
  const [first, ...others] = found;
  if (first === undefined) {
    throw new CliError('SOURCE_INVALID', `no layer of the image has a digest that begins with ${hex}`);
  }
  if (others.some(({ layer }) => layer.digest !== first.layer.digest)) {
    throw usageError(`several layers have digests that begin with ${hex}`, 'Give more of its digits.');
  }
  return found.find(({ image }) => findZtoc(image, first.layer.digest) !== undefined) ?? first;
}
