import type { ImageAlreadyIndexed, ImageIndexed, LayerReport, NothingToIndex, SkippedLayer } from '@soci/index';
import { escapeText, formatPlatform } from '@soci/oci';
import { EXIT, type ExitCode } from '../command/command.ts';
import type { Output } from '../terminal/output.ts';
import { formatBytes, formatCount, formatSeconds, pluralize, shortDigest } from '../terminal/quantity.ts';
import { type Column, numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import type { PlannedWrite } from '../transports/dry-run.ts';
import { describeDryRun, dryRunAsJson, printPlannedWrites } from './print-dry-run.ts';
import { isZstd, noteUncompressedLayers, warnAboutLayers, warnAboutMissingFiles, ZSTD_REMEDY } from './print-notes.ts';
import { printProfile } from './print-profile.ts';
import { warningsAsJson } from './print-warnings.ts';

/** Results of indexing that are not failures. */
export type IndexOutcome = ImageIndexed | ImageAlreadyIndexed | NothingToIndex;

/** Result of `convert` or `create`. */
export interface OutcomeReport {
  readonly outcome: IndexOutcome;
  /** What a dry run would write. Undefined if it is not a dry run. */
  readonly planned: readonly PlannedWrite[] | undefined;
  /** Whether the layers of the image are copied to a registry. */
  readonly isPushed: boolean;
  /** The source image, as on the command line. */
  readonly source: string;
  /** Names of the result: the destination as on the command line, then the same with other tags. */
  readonly names: readonly string[];
  /** Tags of the result. */
  readonly tags: readonly string[];
  /** In bytes. */
  readonly minLayerSize: number;
  /** Elapsed time. */
  readonly seconds: number;
}

/** Returns the outcome as `--json` and the result files have it. */
export function outcomeWord({ outcome }: IndexOutcome): 'indexed' | 'current' | 'nothing-to-index' {
  return outcome === 'already-indexed' ? 'current' : outcome;
}

/** Prints the result of `convert` or `create`, and returns the exit code. */
export async function printOutcome(report: OutcomeReport, output: Output): Promise<ExitCode> {
  const { outcome: result, planned, isPushed, source, names, tags, minLayerSize } = report;
  const seconds = Number(report.seconds.toFixed(3));
  if (result.outcome === 'nothing-to-index') {
    const { outcome, reason } = result;
    const json = { source, outcome, reason, ...reportAsJson(result), ...dryRunAsJson(planned), seconds };
    if (output.json) await output.writeJson(json);
    else await printNothingToIndex(result, output, minLayerSize);
    return EXIT.NOTHING_TO_INDEX;
  }
  const { root, indexes, profile, proof } = result;
  const written = root === undefined ? indexes : [root];
  if (output.json) {
    await output.writeJson({
      source,
      destination: names[0],
      tags,
      outcome: outcomeWord(result),
      ...(root && { root }),
      indexes,
      ...(profile && { profile }),
      ...(result.outcome === 'indexed' && reportAsJson(result)),
      ...(proof && { verified: { filesRead: proof.filesRead, spansRead: proof.spansRead } }),
      ...dryRunAsJson(planned),
      seconds,
    });
  } else if (output.quiet) {
    for (const { digest } of written) await output.writeLine(digest);
  } else {
    if (result.outcome === 'indexed') {
      await printIndexReport(result, output, minLayerSize);
      await output.writeLine();
      if (planned) await printPlannedWrites(planned, output);
    }
    // A tag of `create` names the image, not its indexes.
    for (const name of root === undefined ? names.slice(0, 1) : names) {
      for (const { digest } of written) await output.writeLine(`${output.style.bold(escapeText(name))}  ${digest}`);
    }
    await output.writeLine(`${summarize(result)} in ${formatSeconds(report.seconds)}.`);
    if (profile) await printProfile(profile, result.outcome === 'indexed' ? result.platforms : [], output);
    if (proof) {
      const [files, spans] = [pluralize(proof.filesRead, 'file'), pluralize(proof.spansRead, 'span')];
      await output.writeLine(`Verified ${files} through ${spans}.`);
    }
    if (planned) await output.writeLine(describeDryRun(planned));
    if (result.outcome === 'indexed') await warnAboutMissingFiles(result.platforms, output);
  }
  if (result.outcome === 'indexed') {
    warnAboutLayers(result.layers, output);
    if (isPushed) await noteUncompressedLayers(result.layers, output);
  }
  return EXIT.SUCCESS;
}

async function printNothingToIndex(result: NothingToIndex, output: Output, minLayerSize: number): Promise<void> {
  if (output.quiet) return;
  await printIndexReport(result, output, minLayerSize);
  if (result.reason === 'no-platform') {
    await output.writeLine('Nothing to index: the image has no manifest for a platform.');
    return;
  }
  await output.writeLine();
  await output.writeLine('Nothing to index: every layer was skipped. Nothing was written.');
  const isSmall = (layer: LayerReport) => 'reason' in layer && layer.reason === 'smaller-than-min-layer-size';
  if (result.layers.some(isZstd))
    await output.writeLine('To index zstd layers too, use convert --recompress. It changes the digest of the image.');
  if (result.layers.some(isSmall))
    await output.writeLine('To index small layers too, use --min-layer-size 0. This rarely helps.');
}

function summarize(result: ImageIndexed | ImageAlreadyIndexed): string {
  if (result.outcome === 'already-indexed') return 'Already indexed with these settings; checked';
  const { indexes, layers } = result;
  const indexed = layers.filter((layer) => layer.outcome === 'indexed');
  const reused = indexed.filter((layer) => layer.origin === 'reused').length;
  const platforms = indexes.length > 1 ? ` for ${pluralize(indexes.length, 'platform')}` : '';
  const reuse = reused > 0 ? ` (${pluralize(reused, 'zTOC')} reused)` : '';
  const recompressed = indexed.flatMap(({ recompressedFrom, size }) =>
    recompressedFrom ? [{ from: recompressedFrom.size, to: size }] : [],
  );
  return `${indexed.length} of ${pluralize(layers.length, 'layer')} indexed${platforms}${reuse}${describeRecompressed(recompressed)}`;
}

function describeRecompressed(layers: readonly { readonly from: number; readonly to: number }[]): string {
  if (layers.length === 0) return '';
  const from = layers.reduce((sum, layer) => sum + layer.from, 0);
  const to = layers.reduce((sum, layer) => sum + layer.to, 0);
  return `, ${layers.length} of them recompressed (${formatBytes(from)} to ${formatBytes(to)})`;
}

/** The part of a result that describes platforms and layers. */
type IndexReport = Pick<ImageIndexed, 'platforms' | 'layers'>;

/** Returns `platforms` and `layers` for `--json`. docs/cli.md documents the fields. */
function reportAsJson({ platforms, layers }: IndexReport): object {
  return {
    platforms: platforms.map(({ platform, manifest, index, layers: digests, prefetchFiles, start }) => ({
      platform,
      manifest,
      ...(index && { index }),
      layers: digests,
      prefetchFiles: prefetchFiles.map(({ path, isFound }) => ({ path, found: isFound })),
      ...(start && { start }),
    })),
    layers: layers.map((layer) => {
      const { digest, mediaType, size, outcome: status } = layer;
      const common = { layer: digest, mediaType, layerSize: size, status };
      if (layer.outcome === 'skipped') {
        return {
          ...common,
          reason: layer.reason,
          ...(layer.message !== undefined && { message: layer.message }),
          ...(isZstd(layer) && { remedy: ZSTD_REMEDY }),
        };
      }
      const { ztoc, spans, files, uncompressedSize, origin, seconds, recompressedFrom: from } = layer;
      return {
        ...common,
        ...(from && { recompressedFrom: { layer: from.digest, mediaType: from.mediaType, layerSize: from.size } }),
        digest: ztoc.digest,
        size: ztoc.size,
        maxSpanId: spans - 1,
        files,
        compressedArchiveSize: size,
        uncompressedArchiveSize: uncompressedSize,
        origin,
        seconds: Number(seconds.toFixed(3)),
        ...warningsAsJson(layer.warnings),
      };
    }),
  };
}

const LAYER_COLUMNS: readonly Column[] = [
  { title: 'LAYER', flexible: true },
  ...numberColumns('SIZE', 'FILES', 'SPANS'),
  { title: 'ZTOC', flexible: true },
  ...numberColumns('SIZE', 'TIME'),
];

/** Prints a table for each platform. A row shows a layer and its zTOC, or why the layer was skipped. */
async function printIndexReport(
  { platforms, layers }: IndexReport,
  output: Output,
  minLayerSize: number,
): Promise<void> {
  const byDigest = new Map(layers.map((layer) => [layer.digest, layer]));
  for (const { platform, layers: digests } of platforms) {
    if (platforms.length > 1) await output.writeLine(output.style.bold(printable(formatPlatform(platform))));
    const rows = digests.flatMap((digest) => {
      const layer = byDigest.get(digest);
      return layer ? [layerRow(layer, minLayerSize)] : [];
    });
    await output.writeTable(LAYER_COLUMNS, rows, platforms.length > 1 ? '  ' : '');
  }
}

/** Returns why a layer was skipped, as a table cell. */
export function describeSkip(layer: SkippedLayer, minLayerSize: number): string {
  const { reason, mediaType, message } = layer;
  switch (reason) {
    case 'smaller-than-min-layer-size':
      return `skipped: < ${formatBytes(minLayerSize)}`;
    case 'unsupported-compression':
      return isZstd(layer)
        ? 'skipped: zstd; use convert --recompress'
        : `skipped: ${printable(mediaType)} is not supported`;
    case 'encrypted':
      return 'skipped: encrypted';
    case 'media-type-mismatch':
      return `skipped: ${printable(message ?? reason)}`;
    case 'not-an-image-layer':
      return `skipped: ${printable(mediaType)} is not an image layer`;
    case 'unknown-layer-type':
      return `skipped: unknown type ${printable(mediaType)}`;
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
