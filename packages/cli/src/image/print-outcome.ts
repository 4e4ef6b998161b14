import type {
  ImageAlreadyIndexed,
  ImageIndexed,
  LayerReport,
  NothingToIndex,
  PlatformReport,
  SkippedLayer,
} from '@soci/index';
import { formatPlatform } from '@soci/oci';
import { EXIT, type ExitCode } from '../command/command.ts';
import type { Output } from '../terminal/output.ts';
import { countOf, formatBytes, formatCount, formatSeconds, shortDigest } from '../terminal/quantity.ts';
import { type Column, numbers } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';

/** What came of indexing an image: something to show, not a failure. */
export type IndexOutcome = ImageIndexed | ImageAlreadyIndexed | NothingToIndex;

/** What the commands that index an image say at the end. */
export interface OutcomeReport {
  readonly outcome: IndexOutcome;
  /** Where the image was, and where the result is, as the command line has them. */
  readonly source: string;
  readonly destination: string;
  readonly minLayerSize: number;
  readonly seconds: number;
}

/** Prints what was made, or why nothing was. */
export async function printOutcome(report: OutcomeReport, output: Output): Promise<ExitCode> {
  const { outcome: result, source, destination, minLayerSize } = report;
  const seconds = Number(report.seconds.toFixed(3));
  if (result.outcome === 'nothing-to-index') {
    const { outcome, reason } = result;
    if (output.json) await output.writeJson({ source, outcome, reason, ...reportAsJson(result), seconds });
    else await printNothing(result, output, minLayerSize);
    return EXIT.NOTHING;
  }
  const { root, indexes, proof } = result;
  const made = root === undefined ? indexes : [root];
  if (output.json) {
    await output.writeJson({
      source,
      destination,
      outcome: result.outcome === 'indexed' ? 'indexed' : 'current',
      ...(root && { root }),
      indexes,
      ...(result.outcome === 'indexed' && reportAsJson(result)),
      ...(proof && { verified: { filesRead: proof.filesRead, spansRead: proof.spansRead } }),
      seconds,
    });
  } else if (output.quiet) {
    for (const { digest } of made) await output.writeLine(digest);
  } else {
    if (result.outcome === 'indexed') {
      await printIndexReport(result, output, minLayerSize);
      await output.writeLine();
    }
    for (const { digest } of made) await output.writeLine(`${output.style.bold(destination)}  ${digest}`);
    await output.writeLine(`${summarize(result)} in ${formatSeconds(report.seconds)}.`);
    if (proof) {
      const [files, spans] = [countOf(proof.filesRead, 'file'), countOf(proof.spansRead, 'span')];
      await output.writeLine(`${files} read back through ${spans}: all right.`);
    }
    if (result.outcome === 'indexed') await noteMissingFiles(result.platforms, output);
  }
  return EXIT.DONE;
}

async function printNothing(result: NothingToIndex, output: Output, minLayerSize: number): Promise<void> {
  if (output.quiet) return;
  await printIndexReport(result, output, minLayerSize);
  if (result.reason === 'no-platform') {
    await output.writeLine('Nothing to index: this is no image that runs anywhere.');
    return;
  }
  await output.writeLine();
  await output.writeLine('Nothing to index, and nothing written: no layer qualifies.');
  const isSmall = (layer: LayerReport) => 'reason' in layer && layer.reason === 'smaller-than-min-layer-size';
  if (result.layers.some(isSmall))
    await output.writeLine('With --min-layer-size 0 small layers are indexed too; it seldom pays.');
}

function summarize(result: ImageIndexed | ImageAlreadyIndexed): string {
  if (result.outcome === 'already-indexed') return 'Current: made of this image with these settings before; recognized';
  const { indexes, layers } = result;
  const indexed = layers.filter((layer) => layer.outcome === 'indexed');
  const reused = indexed.filter((layer) => layer.origin === 'reused').length;
  const platforms = indexes.length > 1 ? ` for ${countOf(indexes.length, 'platform')}` : '';
  const taken = reused > 0 ? `, ${reused} of them by zTOCs that were there` : '';
  return `${indexed.length} of ${countOf(layers.length, 'layer')} indexed${platforms}${taken}`;
}

/** What became of an image's platforms and layers, whichever command it was. */
type IndexReport = Pick<ImageIndexed, 'platforms' | 'layers'>;

/** The `platforms` and `layers` of the commands' `--json`; docs/cli.md says what each field means. */
function reportAsJson({ platforms, layers }: IndexReport): object {
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

const LAYER_COLUMNS: readonly Column[] = [
  { title: 'LAYER', flexible: true },
  ...numbers('SIZE', 'FILES', 'SPANS'),
  { title: 'ZTOC', flexible: true },
  ...numbers('SIZE', 'TIME'),
];

/** Prints one table of layers a platform, each with its zTOC or why it has none. */
async function printIndexReport(
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
async function noteMissingFiles(platforms: readonly PlatformReport[], output: Output): Promise<void> {
  for (const { platform, prefetchFiles } of platforms) {
    for (const { path } of prefetchFiles.filter(({ isFound }) => !isFound)) {
      await output.note(`There is no ${printable(path)} in the image for ${formatPlatform(platform)} to prefetch.`);
    }
  }
}

/** Why a layer has no zTOC, for people. */
function describeSkip({ reason, mediaType }: SkippedLayer, minLayerSize: number): string {
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

function layerRow(layer: LayerReport, minLayerSize: number): string[] {
  const start = [shortDigest(layer.digest), formatBytes(layer.size)];
  if (layer.outcome === 'skipped') return [...start, '', '', describeSkip(layer, minLayerSize)];
  return [
    ...start,
    formatCount(layer.files),
    formatCount(layer.spans),
    shortDigest(layer.ztoc.digest),
    formatBytes(layer.ztoc.size),
    layer.origin === 'reused' ? 'reused' : formatSeconds(layer.seconds),
  ];
}
