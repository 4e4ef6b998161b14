import { type Descriptor, isEncrypted, layerCompression } from '@soci/oci';
import type { Compression, ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { ResolvedOptions, ReusableLayer, ZtocSettings } from '../options.ts';
import { MEDIA_TYPE_PREFETCH } from '../vocabulary.ts';
import { cleanPrefetchPath } from './prefetch-spans.ts';

/**
 * Reason why a layer is not indexed.
 *
 * - `smaller-than-min-layer-size`: the layer is smaller than `minLayerSize`.
 * - `unsupported-compression`: the layer is compressed with zstd. zTOCs support gzip and plain tar.
 * - `encrypted`: the layer is encrypted. With `compat`: `unsupported-compression`.
 * - `media-type-mismatch`: the content of the layer does not match its media type. Not with `compat`.
 * - `not-an-image-layer`: the media type is that of other content, such as an attestation.
 * - `unknown-layer-type`: the media type starts like that of an OCI layer, but no specification defines it.
 */
export type SkipReason =
  | 'smaller-than-min-layer-size'
  | 'unsupported-compression'
  | 'encrypted'
  | 'media-type-mismatch'
  | 'not-an-image-layer'
  | 'unknown-layer-type';

/** A layer to build a zTOC for. */
export type LayerTask = ReusableLayer;

/** Plan for one layer of a manifest. */
export type LayerPlan =
  | { readonly descriptor: Descriptor; readonly task: LayerTask }
  | { readonly descriptor: Descriptor; readonly skipped: SkipReason; readonly message?: string };

/**
 * Plans the layers of one manifest, in their order (soci/soci_index.go, `buildSociLayer`).
 *
 * @param earlier - Tasks of other manifests by layer digest. With `compat`, a layer has the compression of its earlier task.
 * @throws SociIndexError `LAYER_TYPE_INVALID` with `compat`, if soci would reject the image.
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
    return {
      descriptor,
      task: (options.isCompat ? earlier.get(digest) : undefined) ?? { digest, size, mediaType, compression },
    };
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
  if (!isCompat && isEncrypted(mediaType)) return 'encrypted';
  if (compression === 'gzip' || compression === 'uncompressed') return compression;
  // Like soci, treat Docker types without a compression suffix as plain tar.
  if (compression === 'unknown') return 'uncompressed';
  if (compression !== 'unrecognized') return 'unsupported-compression';
  if (isCompat) throw layerTypeError(digest, mediaType);
  return 'unknown-layer-type';
}

function layerTypeError(digest: string, mediaType: string): SociIndexError {
  const message = `layer ${digest} has the media type ${mediaType}, which is not that of an image layer. Without compat, it is skipped`;
  return new SociIndexError('LAYER_TYPE_INVALID', message, { digest });
}

/** Returns the plan for a layer whose content does not match its media type. */
export function skipMismatched({ descriptor }: LayerPlan, { compression }: LayerTask, format: string): LayerPlan {
  const expected = compression === 'gzip' ? 'gzip' : 'tar';
  const message = `${format} content with a ${expected} media type`;
  return { descriptor, skipped: 'media-type-mismatch', message };
}

/** Returns the key of a zTOC. It contains the compression, because the same layer read as gzip or as tar has different zTOCs. */
export function taskKey({ digest, compression }: LayerTask): string {
  return `${compression} ${digest}`;
}

/** Settings for building zTOCs. Plain data, because it is sent to worker threads. */
export interface LayerSettings extends ZtocSettings {
  readonly limits: ZtocLimits;
  /** Normalized paths of files to prefetch. */
  readonly prefetchPaths: readonly string[];
}

/** Selects the options for building zTOCs. */
export function toLayerSettings(options: ResolvedOptions): LayerSettings {
  const { spanSize, buildToolIdentifier, layerLimits: limits, prefetchFiles } = options;
  return { spanSize, buildToolIdentifier, limits, prefetchPaths: prefetchFiles.map(cleanPrefetchPath) };
}
