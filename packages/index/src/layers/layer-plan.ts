import { type Descriptor, layerCompression } from '@soci/oci';
import type { Compression, ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { ResolvedOptions, ReusableLayer, ZtocSettings } from '../options.ts';
import { MEDIA_TYPE_PREFETCH } from '../vocabulary.ts';
import { cleanPrefetchPath } from './prefetch-spans.ts';

/**
 * Why a layer is not indexed.
 *
 * - `smaller-than-min-layer-size`: fetching the whole is as fast.
 * - `unsupported-compression`: zstd, or a wrapping such as encryption: a zTOC knows gzip and plain tar only.
 * - `not-an-image-layer`: its media type is no image layer's, such as an attestation's.
 * - `unknown-layer-type`: it calls itself an OCI image layer, of a kind that no specification defines.
 */
export type SkipReason =
  | 'smaller-than-min-layer-size'
  | 'unsupported-compression'
  | 'not-an-image-layer'
  | 'unknown-layer-type';

/** A zTOC to be built. */
export type LayerTask = ReusableLayer;

/** What is done about one layer of a manifest. */
export type LayerPlan =
  | { readonly descriptor: Descriptor; readonly task: LayerTask }
  | { readonly descriptor: Descriptor; readonly skipped: SkipReason };

/**
 * Decides about the layers of one manifest, in their order (soci/soci_index.go, `buildSociLayer`).
 *
 * @param earlier - Tasks of the manifests decided about before: a layer that stands in one is built once, as it was there.
 * @throws SociIndexError `LAYER_TYPE_INVALID` where the reference refuses the image and is to be followed.
 */
export function planLayers(
  layers: readonly Descriptor[],
  earlier: ReadonlyMap<string, LayerTask>,
  options: Pick<ResolvedOptions, 'minLayerSize' | 'isCompat'>,
): LayerPlan[] {
  return layers.map((descriptor) => {
    const compression = decideCompression(descriptor, options);
    if (compression !== 'gzip' && compression !== 'uncompressed') return { descriptor, skipped: compression };
    const { digest, size, mediaType } = descriptor;
    return { descriptor, task: earlier.get(digest) ?? { digest, size, mediaType, compression } };
  });
}

function decideCompression(
  { mediaType, size, digest }: Descriptor,
  { minLayerSize, isCompat }: Pick<ResolvedOptions, 'minLayerSize' | 'isCompat'>,
): Compression | SkipReason {
  if (mediaType === MEDIA_TYPE_PREFETCH) return 'not-an-image-layer';
  const compression = layerCompression(mediaType);
  if (compression === undefined) {
    if (isCompat) throw layerTypeError(digest, mediaType);
    return 'not-an-image-layer';
  }
  if (size < minLayerSize) return 'smaller-than-min-layer-size';
  if (compression === 'gzip' || compression === 'uncompressed') return compression;
  // The reference takes Docker's types without a suffix at their word, as a tar.
  if (compression === 'unknown') return 'uncompressed';
  if (compression !== 'unrecognized') return 'unsupported-compression';
  if (isCompat) throw layerTypeError(digest, mediaType);
  return 'unknown-layer-type';
}

function layerTypeError(digest: string, mediaType: string): SociIndexError {
  const message = `layer ${digest} is of the type ${mediaType}, which is no image layer: the reference refuses such an image; without compat it is skipped`;
  return new SociIndexError('LAYER_TYPE_INVALID', message, { digest });
}

/** Names a zTOC to be built: the same layer read as gzip and as a tar makes two. */
export function taskKey({ digest, compression }: LayerTask): string {
  return `${compression} ${digest}`;
}

/** What a zTOC is built with, whatever the layer. Plain data: it goes to worker threads. */
export interface LayerSettings extends ZtocSettings {
  readonly limits: ZtocLimits;
  /** Paths to look up, cleaned. */
  readonly prefetchPaths: readonly string[];
}

/** Picks out of the options what zTOCs are built with. */
export function toLayerSettings(options: ResolvedOptions): LayerSettings {
  const { spanSize, buildToolIdentifier, layerLimits: limits, prefetchFiles } = options;
  return { spanSize, buildToolIdentifier, limits, prefetchPaths: prefetchFiles.map(cleanPrefetchPath) };
}
