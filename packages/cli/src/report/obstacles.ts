import type { LayerAnalysis } from '@soci/index';
import { escapeText, layerCompression } from '@soci/oci';
import { isZstd } from '../image/print-notes.ts';
import { formatBytes, formatPercent } from '../terminal/quantity.ts';

/**
 * Why a layer is not loaded lazily, or why that does not help.
 *
 * - `zstd`, `unsupported`, `encrypted`, `mismatched`: it cannot have a zTOC.
 * - `small`: it is smaller than the default of `--min-layer-size`.
 * - `runtime`: it can have a zTOC, but the runtime does not use it.
 * - `large-spans`: its compressed data can be divided only at few positions.
 * - `read-completely`: the start reads most of it.
 */
export type ObstacleCode =
  | 'encrypted'
  | 'large-spans'
  | 'mismatched'
  | 'read-completely'
  | 'runtime'
  | 'small'
  | 'unsupported'
  | 'zstd';

/** Layers that defeat lazy loading for one reason. */
export interface Obstacle {
  readonly code: ObstacleCode;
  /** Digests of the layers. */
  readonly layers: readonly string[];
  /** Bytes of these layers. */
  readonly size: number;
  /** The reason: a phrase that fits one layer or several. */
  readonly message: string;
  /** What helps: a sentence without full stop. */
  readonly remedy?: string;
}

/** Share of the bytes of a layer from which most of it is read. */
const MOST = 0.7;

/** Average uncompressed size of a span from which a start reads much more than it needs, with the default span size. */
const LARGE_SPAN = 16 << 20;

type Finding = Omit<Obstacle, 'layers' | 'size'>;

/** Finds the layers that defeat lazy loading. Layers with the same reason are one obstacle, the largest first. */
export function findObstacles(layers: readonly LayerAnalysis[]): readonly Obstacle[] {
  const found = new Map<string, Finding & { readonly layers: string[]; size: number }>();
  for (const layer of layers) {
    const finding = findObstacle(layer);
    if (finding === undefined) continue;
    const key = `${finding.code} ${finding.message}`;
    const known = found.get(key) ?? { ...finding, layers: [], size: 0 };
    known.layers.push(layer.digest);
    known.size += layer.size;
    found.set(key, known);
  }
  return [...found.values()].sort((a, b) => b.size - a.size);
}

function findObstacle(layer: LayerAnalysis): Finding | undefined {
  const { skipped, content, mediaType } = layer;
  const size = layer.recompressedSize ?? layer.size;
  if (skipped !== undefined) return describeSkip(layer, skipped);
  if (content === undefined) return undefined;
  const pulled = content.warnings.find(({ effect }) => effect === 'pulled-whole');
  if (pulled !== undefined) {
    return { code: 'runtime', message: escapeText(pulled.message), remedy: 'Build the layer in another way' };
  }
  const fixed = content.spans.find(({ spanSize }) => spanSize !== 'auto' && spanSize >= 1 << 22);
  if (
    (layerCompression(mediaType) === 'gzip' || layer.recompressedSize !== undefined) &&
    fixed !== undefined &&
    content.uncompressedSize / fixed.spans > LARGE_SPAN
  ) {
    const average = formatBytes(content.uncompressedSize / fixed.spans);
    return {
      code: 'large-spans',
      message: `the compressor wrote few blocks, so that a start reads parts of ${average} each`,
      remedy: 'Compress the layer with another program',
    };
  }
  const [best] = content.spans;
  if (best !== undefined && best.bytesRead > MOST * size) {
    return { code: 'read-completely', message: `a start reads ${formatPercent(best.bytesRead, size)} of it` };
  }
  return undefined;
}

function describeSkip(
  { mediaType }: LayerAnalysis,
  skipped: NonNullable<LayerAnalysis['skipped']>,
): Finding | undefined {
  if (isZstd({ mediaType, ...skipped })) {
    return {
      code: 'zstd',
      message: 'zTOCs do not support zstd',
      remedy: 'Use "convert --recompress"; "report --recompress" estimates what it gains',
    };
  }
  switch (skipped.reason) {
    case 'smaller-than-min-layer-size':
      return {
        code: 'small',
        message: 'below the minimum size of an indexed layer, and therefore pulled before the start',
      };
    case 'encrypted':
      return { code: 'encrypted', message: 'encrypted' };
    case 'media-type-mismatch':
      return {
        code: 'mismatched',
        message: skipped.message ?? 'another format than the media type says',
        remedy: 'Push the image with the right media types',
      };
    case 'not-an-image-layer':
      return undefined;
    default:
      return { code: 'unsupported', message: `zTOCs do not support the media type ${escapeText(mediaType)}` };
  }
}
