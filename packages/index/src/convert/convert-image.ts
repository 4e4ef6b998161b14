import { availableParallelism } from 'node:os';
import type { BlobLocator, Descriptor, Fetcher, RangeFetcher } from '@soci/oci';
import { ImageReader } from '../image/image-reader.ts';
import { listPlatforms } from '../image/select.ts';
import type { RecompressedLayer } from '../layers/recompress-layer.ts';
import { resolveOptions, type SociIndexOptions } from '../options.ts';
import { type BuiltIndexes, indexPlans, type NothingToIndex } from './build-index.ts';
import { planConversion } from './plan-image.ts';
import { attachIndexes, rewriteImage } from './rewrite-index.ts';
import { dedupeArtifacts } from './soci-manifest.ts';

/** Result of {@link convertImage}. */
export type ConvertResult = ConvertedImage | NothingToIndex;

/** The image was converted. */
export interface ConvertedImage extends BuiltIndexes {
  /** The SOCI-enabled image: an OCI image index that lists the SOCI indexes. Push it last, with a tag. */
  readonly root: Descriptor;
  /** Layers that were recompressed. Push those that are not stored, with the bytes of `fetchRecompressed`. */
  readonly recompressed: readonly RecompressedLayer[];
}

/**
 * Converts an image into a SOCI-enabled image (v2): an image index that lists the SOCI indexes and the image manifests.
 * Each image manifest has an annotation with the digest of its SOCI index. Configurations do not change, and layers only
 * with the option `recompress`. The digests of manifests and of the image do. Nothing is pushed, except to `layerTarget`. Converting the result again with the same settings changes
 * nothing.
 *
 * @param store - Store of the image. Each layer to index is fetched once and verified. With the span size `auto`, ranges of
 *   layers are read again, and layers that are too small for an index are read. Ranges are verified again unless the store has
 *   `locate`, which means that layers are local files.
 * @param image - Image manifest or image index, OCI or Docker. A manifest is wrapped in an image index.
 * @throws SociIndexError; `OciError` and other errors of `store`; the abort reason of `options.signal`.
 * @see soci-snapshotter v0.16.1, soci/soci_convert.go, `Convert`
 */
export async function convertImage(
  store: Fetcher & Partial<RangeFetcher & BlobLocator>,
  image: Descriptor,
  options: SociIndexOptions = {},
): Promise<ConvertResult> {
  const resolved = resolveOptions(options, availableParallelism());
  const reader = new ImageReader(store, resolved.limits, resolved.signal);
  const available = await listPlatforms(reader, image, resolved);
  const [first] = available;
  if (first === undefined) {
    return { outcome: 'nothing-to-index', reason: 'no-platform', platforms: [], layers: [] };
  }
  const { target, plans: planned } = await planConversion(reader, image, first, available, resolved);
  const indexed = await indexPlans(store, planned, 2, resolved);
  const { options: used, plans, indexes, descriptors, artifacts, platforms, layers, recompressed } = indexed;
  if (descriptors.length === 0) return { outcome: 'nothing-to-index', reason: 'no-layer-to-index', platforms, layers };
  const { root, content, manifests } = await rewriteImage(reader, target, attachIndexes(plans, indexes), used);
  return {
    outcome: 'indexed',
    root,
    indexes: descriptors,
    artifacts: dedupeArtifacts([...artifacts, ...manifests, { kind: 'image-index', descriptor: root, content }]),
    platforms,
    layers,
    recompressed,
  };
}
