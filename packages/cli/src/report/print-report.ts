import type { LayerAnalysis } from '@soci/index';
import { escapeText, formatPlatform, isEncrypted, layerCompression } from '@soci/oci';
import type { Output } from '../terminal/output.ts';
import { formatBytes, formatCount, pluralize, shortDigest } from '../terminal/quantity.ts';
import { type Column, numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import type { Report } from './report.ts';
import { describeCommand, describeSetting, formatBandwidth, formatTime } from './verdict.ts';

/** Maximum number of layers that are listed for people, the largest first. */
const MAX_LAYERS = 40;

/** Maximum number of digests of an obstacle. */
const MAX_DIGESTS = 3;

/** Prints a report for people. The answer comes first. */
export async function printReport(report: Report, output: Output): Promise<void> {
  const { assessment, verdict, choices, source } = report;
  const { analysis, best, isWorthIt, pull, settings, obstacles, network } = assessment;
  const { bold, dim, green, cyan } = output.style;
  await output.writeLine(isWorthIt ? bold(green(verdict)) : bold(verdict));
  for (const { setting, command } of choices) {
    const time = `${formatTime(setting.start.seconds)}, ${describeSetting(setting)}`;
    await output.writeLine(`  ${cyan(command)}  ${dim(time)}`);
  }
  await output.writeLine();
  const platform = printable(formatPlatform(analysis.platform));
  const layers = `${formatBytes(pull.bytes)} in ${pluralize(analysis.layers.length, 'layer')}`;
  await output.writeLine(`${bold('image')}    ${escapeText(source)}, ${platform}, ${layers}`);
  const start = analysis.command.length === 0 ? 'no Entrypoint and no Cmd' : describeCommand(analysis.command);
  await output.writeLine(`${bold('start')}    ${start}`);
  if (analysis.layers.some(({ content }) => content !== undefined)) {
    await output.writeLine(`${bold('profile')}  ${describeProfile(report)}`);
  }
  await output.writeLine(
    `${bold('network')}  ${formatBandwidth(network.bandwidth)}, latency ${Math.round(network.latency * 1e5) / 100} ms (--bandwidth, --latency)`,
  );
  await output.writeLine();
  await output.writeTable(
    [
      { title: 'LAYER', flexible: true },
      ...numberColumns('SIZE', 'FILES'),
      { title: 'TYPE' },
      ...numberColumns('READ', ...ztocTitles(report)),
    ],
    largest(analysis.layers).map((layer) => layerRow(layer, report)),
  );
  if (analysis.layers.length > MAX_LAYERS) {
    await output.writeLine(
      `... and ${pluralize(analysis.layers.length - MAX_LAYERS, 'smaller layer')} (--json lists all)`,
    );
  }
  await output.writeLine();
  const rows = settings.map((setting) => [
    describeSetting(setting),
    formatTime(setting.start.seconds),
    formatBytes(setting.bytes),
    formatBytes(setting.ztocsSize),
    formatCount(setting.spans),
    formatBytes(setting.spansSize),
    setting === best && isWorthIt ? 'recommended' : '',
  ]);
  await output.writeTable(SETTING_COLUMNS, [
    ['ordinary pull', formatTime(pull.seconds), formatBytes(pull.bytes)],
    ...rows,
  ]);
  if (obstacles.length > 0) await output.writeLine();
  for (const { layers: digests, size, message, remedy } of obstacles) {
    const more = digests.length > MAX_DIGESTS ? ` and ${digests.length - MAX_DIGESTS} more` : '';
    const named = `${digests.length === 1 ? 'layer' : 'layers'} ${digests.slice(0, MAX_DIGESTS).map(shortDigest).join(', ')}${more}`;
    const help = remedy === undefined ? '' : ` ${remedy}.`;
    await output.writeLine(`${bold('not lazy')}  ${named} (${formatBytes(size)}): ${printable(message)}.${help}`);
  }
  await output.writeLine();
  await output.writeLine(dim('Times are estimates. DOWNLOADED counts zTOCs twice, as the runtime does.'));
  const plain = analysis.layers.filter((layer) => compressionOf(layer) === 'none').length;
  if (plain > 0) {
    const counted = `${pluralize(plain, 'layer')} ${plain === 1 ? 'is' : 'are'} not compressed`;
    await output.writeLine(dim(`${counted} here. If a registry has gzip layers instead, a pull downloads less.`));
  }
}

const SETTING_COLUMNS: readonly Column[] = [
  { title: 'SETTING' },
  ...numberColumns('START', 'DOWNLOADED', 'ZTOCS', 'SPANS READ', 'SIZE'),
  { title: '' },
];

/** Says which profile a report follows, and how much of the image it reads. */
export function describeProfile({ assessment: { analysis }, profile }: Report): string {
  const { files, filesFound, layers } = analysis;
  const name = profile === 'stored' ? 'stored' : profile === 'predicted' ? 'predicted' : escapeText(profile.file);
  const all = layers.flatMap(({ content }) => content ?? []);
  const read = all.flatMap(({ reads }) => reads).reduce((sum, { start, end }) => sum + end - start, 0);
  const total = all.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  const found =
    filesFound === files ? pluralize(files, 'file') : `${formatCount(filesFound)} of ${pluralize(files, 'file')}`;
  return `${name}: ${found}; a start reads ${formatBytes(read)} of ${formatBytes(total)}`;
}

function ztocTitles({ assessment: { analysis } }: Report): string[] {
  const sizes = analysis.layers.find(({ content }) => content !== undefined)?.content?.spans ?? [];
  return sizes.map(({ spanSize }) => `ZTOC ${spanSize === 'auto' ? 'auto' : formatBytes(spanSize)}`);
}

function layerRow(layer: LayerAnalysis, report: Report): string[] {
  const { digest, size, content } = layer;
  const start = [shortDigest(digest), formatBytes(size)];
  if (content === undefined) return [...start, '', compressionOf(layer), ...ztocTitles(report).map(() => '')];
  const read = content.reads.reduce((sum, { start, end }) => sum + end - start, 0);
  const sizes = content.spans.map(({ ztocSize }) => formatBytes(ztocSize));
  return [...start, formatCount(content.files), compressionOf(layer), formatBytes(read), ...sizes];
}

/** Returns the compression of a layer for people. */
export function compressionOf({ mediaType }: Pick<LayerAnalysis, 'mediaType'>): string {
  if (isEncrypted(mediaType)) return 'encrypted';
  const compression = layerCompression(mediaType);
  if (compression === 'uncompressed' || compression === 'unknown') return 'none';
  return compression === undefined || compression === 'unrecognized' ? printable(mediaType) : compression;
}

function largest(layers: readonly LayerAnalysis[]): readonly LayerAnalysis[] {
  if (layers.length <= MAX_LAYERS) return layers;
  const shown = new Set(layers.toSorted((a, b) => b.size - a.size).slice(0, MAX_LAYERS));
  return layers.filter((layer) => shown.has(layer));
}
