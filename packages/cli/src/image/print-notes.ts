import type { LayerReport, PlatformReport } from '@soci/index';
import { escapeText, formatPlatform, layerCompression } from '@soci/oci';
import type { Output } from '../terminal/output.ts';
import { formatBytes, pluralize } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';
import { printWarnings } from './print-warnings.ts';

/** Says why zstd layers have no zTOC, and which option helps. */
export const ZSTD_REMEDY = 'zTOCs do not support zstd; "convert --recompress" turns the layer into a gzip layer';

/** Reports whether a layer was skipped because its content is compressed with zstd. */
export function isZstd(
  layer: Pick<LayerReport, 'mediaType'> & { readonly reason?: string; readonly message?: string },
): boolean {
  if (layer.reason === 'unsupported-compression') return layerCompression(layer.mediaType) === 'zstd';
  return layer.reason === 'media-type-mismatch' && layer.message?.startsWith('zstd ') === true;
}

/** Notes layers that are pushed to a registry without compression: transfers and storage cost more than necessary. */
export async function noteUncompressedLayers(layers: readonly LayerReport[], output: Output): Promise<void> {
  const uncompressed = layers.filter(({ mediaType }) => UNCOMPRESSED.has(layerCompression(mediaType) ?? ''));
  if (uncompressed.length === 0) return;
  const size = formatBytes(uncompressed.reduce((sum, layer) => sum + layer.size, 0));
  await output.note(
    `note: ${pluralize(uncompressed.length, 'layer')} pushed without compression (${size}). ` +
      'To compress such layers with gzip, use "convert --recompress-tar".',
  );
}

/** Compression of tar layers. Docker has a media type that does not say it. */
const UNCOMPRESSED: ReadonlySet<string> = new Set(['uncompressed', 'unknown']);

/** Warns about files to prefetch that no layer has, which are probably mistyped paths. */
export async function warnAboutMissingFiles(platforms: readonly PlatformReport[], output: Output): Promise<void> {
  for (const { platform, prefetchFiles } of platforms) {
    for (const { path } of prefetchFiles.filter(({ isFound }) => !isFound)) {
      await output.note(
        `warning: file to prefetch not found for ${printable(formatPlatform(platform))}: ${escapeText(path)}`,
      );
    }
  }
}

/** Warns about layers that the runtime handles in another way than expected. */
export function warnAboutLayers(layers: readonly LayerReport[], output: Output): void {
  const warned = layers.filter((layer) => layer.outcome === 'indexed');
  printWarnings(
    warned.map(({ digest, warnings }) => ({ layer: digest, warnings })),
    output,
  );
}
