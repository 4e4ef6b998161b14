import type { LayerReport, PlatformReport, SkippedLayer } from '@soci/index';
import { formatPlatform } from '@soci/oci';
import type { Output } from '../terminal/output.ts';
import { formatBytes, formatCount, formatSeconds, shortDigest } from '../terminal/quantity.ts';
import type { Column } from '../terminal/table.ts';
import { printable } from '../terminal/text-width.ts';

/** What became of an image's platforms and layers, whichever command it was. */
export interface IndexReport {
  readonly platforms: readonly PlatformReport[];
  readonly layers: readonly LayerReport[];
}

/** The `platforms` and `layers` of the commands' `--json`; docs/cli.md says what each field means. */
export function reportAsJson({ platforms, layers }: IndexReport): object {
  return {
    platforms: platforms.map(({ platform, manifest, index, layers: digests, prefetchFiles }) => ({
      platform,
      manifest,
      ...(index && { index }),
      layers: digests,
      prefetchFiles: prefetchFiles.map(({ path, isFound }) => ({ path, found: isFound })),
    })),
    layers: layers.map((layer) => {
      const { digest, mediaType, size, outcome: status } = layer;
      const common = { layer: digest, mediaType, layerSize: size, status };
      if (layer.outcome === 'skipped') return { ...common, reason: layer.reason };
      const { ztoc, spans, files, uncompressedSize, origin, seconds } = layer;
      return {
        ...common,
        digest: ztoc.digest,
        size: ztoc.size,
        maxSpanId: spans - 1,
        files,
        compressedArchiveSize: size,
        uncompressedArchiveSize: uncompressedSize,
        origin,
        seconds: Number(seconds.toFixed(3)),
      };
    }),
  };
}

/** Columns of a table of layers. */
export const LAYER_COLUMNS: readonly Column[] = [
  { title: 'LAYER', flexible: true },
  { title: 'SIZE', align: 'right' },
  { title: 'FILES', align: 'right' },
  { title: 'SPANS', align: 'right' },
  { title: 'ZTOC', flexible: true },
  { title: 'SIZE', align: 'right' },
  { title: 'TIME', align: 'right' },
];

/** Prints one table of layers a platform, each with its zTOC or why it has none. */
export async function printIndexReport(
  { platforms, layers }: IndexReport,
  output: Output,
  minLayerSize: number,
): Promise<void> {
  const byDigest = new Map(layers.map((layer) => [layer.digest, layer]));
  for (const { platform, layers: digests } of platforms) {
    if (platforms.length > 1) await output.writeLine(output.style.bold(formatPlatform(platform)));
    const rows = digests.flatMap((digest) => {
      const layer = byDigest.get(digest);
      return layer ? [layerRow(layer, minLayerSize)] : [];
    });
    await output.writeTable(LAYER_COLUMNS, rows, platforms.length > 1 ? '  ' : '');
  }
}

/** Tells of files to prefetch that no layer has: most likely a path that was mistyped. */
export async function noteMissingFiles(platforms: readonly PlatformReport[], output: Output): Promise<void> {
  for (const { platform, prefetchFiles } of platforms) {
    for (const { path } of prefetchFiles.filter(({ isFound }) => !isFound)) {
      await output.note(`There is no ${printable(path)} in the image for ${formatPlatform(platform)} to prefetch.`);
    }
  }
}

/** Why a layer has no zTOC, for people. */
export function describeSkip({ reason, mediaType }: SkippedLayer, minLayerSize: number): string {
  switch (reason) {
    case 'smaller-than-min-layer-size':
      return `skipped: < ${formatBytes(minLayerSize)}`;
    case 'unsupported-compression':
      return `skipped: ${printable(mediaType)} cannot be indexed`;
    case 'not-an-image-layer':
      return `skipped: ${printable(mediaType)} is no image layer`;
    case 'unknown-layer-type':
      return `skipped: ${printable(mediaType)} is unknown`;
  }
}

/** One row of a table of layers. */
export function layerRow(layer: LayerReport, minLayerSize: number): string[] {
  const { digest, size } = layer;
  if (layer.outcome === 'skipped')
    return [shortDigest(digest), formatBytes(size), '', '', describeSkip(layer, minLayerSize)];
  return [
    shortDigest(digest),
    formatBytes(size),
    formatCount(layer.files),
    formatCount(layer.spans),
    shortDigest(layer.ztoc.digest),
    formatBytes(layer.ztoc.size),
    layer.origin === 'reused' ? 'reused' : formatSeconds(layer.seconds),
  ];
}
