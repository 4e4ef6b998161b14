import { type Descriptor, isEncrypted, isNonDistributable, layerCompression } from '@soci/oci';
import type { Compression, ZtocLimits } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { RecompressibleFormat, ResolvedOptions, ReusableLayer, ZtocSettings } from '../options.ts';
import { MEDIA_TYPE_PREFETCH } from '../vocabulary.ts';
import { cleanPrefetchPath } from './prefetch-spans.ts';
import { type RecompressedLayer, recompressibleFormat } from './recompress-layer.ts';

/**
 * Reason why a layer is not indexed.
 *
 * - `smaller-than-min-layer-size`: the layer is smaller than `minLayerSize`.
 * - `unsupported-compression`: the layer is compressed with zstd. zTOCs support gzip and plain tar. The option `recompress`
 *   helps.
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
export interface LayerTask extends ReusableLayer {
  /** Format of the layer, if it is recompressed. `compression` is then that of the result. */
  readonly recompress?: RecompressibleFormat;
  /** Digest of the uncompressed layer in the image configuration. Absent without the option `recompress`. */
  readonly diffId?: string;
}

/** Plan for one layer of a manifest. */
export type LayerPlan =
  | { readonly descriptor: Descriptor; readonly task: LayerTask; readonly recompressed?: RecompressedLayer }
  | { readonly descriptor: Descriptor; readonly skipped: SkipReason; readonly message?: string };

/**
 * Plans the layers of one manifest, in their order (soci/soci_index.go, `buildSociLayer`).
 *
 * @param earlier - Tasks of other manifests by layer digest. With `compat`, a layer has the compression of its earlier task.
 * @param diffIds - Digests of the uncompressed layers, if layers are recompressed.
 * @throws SociIndexError `LAYER_TYPE_INVALID` with `compat`, if soci would reject the image; `MANIFEST_INVALID` if a layer is
 *   to be recompressed, and the image configuration does not have one diff_id for each layer.
 */
export function planLayers(
  layers: readonly Descriptor[],
  earlier: ReadonlyMap<string, LayerTask>,
  options: Pick<ResolvedOptions, 'minLayerSize' | 'isCompat' | 'recompress'>,
  diffIds: readonly string[] = [],
): LayerPlan[] {
  const count = layers.filter(({ mediaType }) => layerCompression(mediaType) !== undefined).length;
  const remaining = diffIds.length === count ? [...diffIds] : [];
  return layers.map((descriptor) => {
    const { digest, size, mediaType } = descriptor;
    const own = layerCompression(mediaType) === undefined ? undefined : remaining.shift();
    // A non-distributable layer must not be published in another form.
    const diffId = isNonDistributable(mediaType) ? undefined : own;
    const layer = { digest, size, mediaType, ...(diffId !== undefined && { diffId }) };
    const compression = decideCompression(descriptor, options);
    const format = recompressibleFormat(mediaType);
    if (compression === 'unsupported-compression' || compression === 'uncompressed') {
      if (format !== undefined && options.recompress.includes(format) && !isNonDistributable(mediaType)) {
        if (diffId === undefined) throw diffIdCountError(digest, diffIds.length, count);
        return { descriptor, task: { ...layer, compression: 'gzip', recompress: format } };
      }
    }
    if (compression !== 'gzip' && compression !== 'uncompressed') return { descriptor, skipped: compression };
    return { descriptor, task: (options.isCompat ? earlier.get(digest) : undefined) ?? { ...layer, compression } };
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

function diffIdCountError(digest: string, diffIds: number, layers: number): SociIndexError {
  const message = `cannot recompress layer ${digest}: the image configuration has ${diffIds} diff_ids for ${layers} layers. Build the image again`;
  return new SociIndexError('MANIFEST_INVALID', message, { digest });
}

function layerTypeError(digest: string, mediaType: string): SociIndexError {
  const message = `layer ${digest} has the media type ${mediaType}, which is not that of an image layer. Without compat, it is skipped`;
  return new SociIndexError('LAYER_TYPE_INVALID', message, { digest });
}

/** Returns the plan for a layer whose content does not match its media type. */
export function skipMismatched({ descriptor }: LayerPlan, task: LayerTask, format: string): LayerPlan {
  const message = `${format} content with a ${expectedFormat(task)} media type`;
  return { descriptor, skipped: 'media-type-mismatch', message };
}

/** Returns the format of a layer according to its media type. */
export function expectedFormat({ compression, recompress }: LayerTask): 'gzip' | RecompressibleFormat {
  return recompress ?? (compression === 'gzip' ? 'gzip' : 'tar');
}

/** Returns the key of a zTOC. It contains the compression, because the same layer read as gzip or as tar has different zTOCs. */
export function taskKey({ digest, compression }: LayerTask): string {
  return `${compression} ${digest}`;
}

/** Settings for building zTOCs. Plain data, because it is sent to worker threads. */
export interface LayerSettings extends Omit<ZtocSettings, 'spanSize'> {
  /** Minimum distance between checkpoints, in bytes of uncompressed data, or `auto`: coarse spans with finer candidates. */
  readonly spanSize: number | 'auto';
  readonly limits: ZtocLimits;
  /** Further span sizes, for an analysis. @default none */
  readonly otherSpanSizes?: readonly number[];
  /** Normalized paths of files to prefetch. */
  readonly prefetchPaths: readonly string[];
}

/** Selects the options for building zTOCs. */
export function toLayerSettings(options: ResolvedOptions): LayerSettings {
  const { spanSize, otherSpanSizes, buildToolIdentifier, layerLimits: limits, prefetchFiles } = options;
  return { spanSize, otherSpanSizes, buildToolIdentifier, limits, prefetchPaths: prefetchFiles.map(cleanPrefetchPath) };
}
