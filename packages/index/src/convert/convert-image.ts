import { availableParallelism } from 'node:os';
import type { Descriptor, Fetcher } from '@soci/oci';
import { ImageReader } from '../image/image-reader.ts';
import { listPlatforms } from '../image/select.ts';
import { resolveOptions, type SociIndexOptions } from '../options.ts';
import { type BuiltIndexes, indexPlans, type NothingToIndex } from './build-index.ts';
import { planConversion } from './plan-image.ts';
import { attachIndexes, rewriteImage } from './rewrite-index.ts';
import { dropRepeated } from './soci-manifest.ts';

/** What {@link convertImage} has come to. */
export type ConvertResult = ConvertedImage | NothingToIndex;

/** The image was converted. */
export interface ConvertedImage extends BuiltIndexes {
  /** The converted image: an OCI image index, to be pushed last and tagged. It lists the SOCI indexes. */
  readonly root: Descriptor;
}

/**
 * Converts an image into a SOCI-enabled one (v2): an image index that lists the image's manifests, each with an
 * annotation that names its SOCI index, and the SOCI indexes. Layers and configurations stay as they are; manifests, and
 * so the image's digest, change. Nothing is pushed. Converting a converted image again changes nothing.
 *
 * @param store - Holds the image. Each layer that is indexed is fetched once, in full, and verified.
 * @param image - An image manifest, which is wrapped in an image index, or an image index, OCI or Docker.
 * @throws SociIndexError; `OciError` and what else `store` throws; the reason of `options.signal`.
 * @see soci-snapshotter v0.16.1, soci/soci_convert.go, `Convert`
 */
export async function convertImage(
  store: Fetcher,
  image: Descriptor,
  options: SociIndexOptions = {},
): Promise<ConvertResult> {
  const resolved = resolveOptions(options, availableParallelism());
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  const available = await listPlatforms(reader, image);
  const [first] = available;
  if (first === undefined) {
    return { outcome: 'nothing-to-index', reason: 'no-platform', platforms: [], layers: [] };
  }
  const { target, plans } = await planConversion(reader, image, first, available, resolved);
  const { indexes, made, artifacts, platforms, layers } = await indexPlans(store, plans, 2, resolved);
  if (made.length === 0) return { outcome: 'nothing-to-index', reason: 'no-layer-to-index', platforms, layers };
  const { root, content, manifests } = await rewriteImage(reader, target, attachIndexes(plans, indexes), resolved);
  return {
    outcome: 'indexed',
    root,
    indexes: made,
    artifacts: dropRepeated([...artifacts, ...manifests, { kind: 'image-index', descriptor: root, content }]),
    platforms,
    layers,
  };
}
