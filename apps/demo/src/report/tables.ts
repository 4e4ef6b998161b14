import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Column,
  drawBar,
  formatBytes,
  formatCount,
  formatPercent,
  formatSeconds,
  numberColumns,
  type Output,
  pluralize,
  printable,
  shortDigest,
  shorten,
} from '@soci/cli/internal';
import { DEFAULT_MIN_LAYER_SIZE } from '@soci/index';
import { type Descriptor, formatPlatform } from '@soci/oci';
import type { Invocation } from '@soci/test-aws';
import type { InventoryItem } from '../inventory.ts';
import type { ReadCost, Verification } from '../verification.ts';
import { type EventTrace, imageOf, isRegistryEvent, type WorkflowEvent } from '../workflow/event-trace.ts';
import { describeFilter, describeGenerator } from './steps.ts';

const EVENT_COLUMNS: readonly Column[] = [
  { title: 'EVENT', flexible: true },
  { title: 'RESULT', flexible: true },
  ...numberColumns('TIME', 'MEMORY', 'COLD START'),
];

/** Minimum terminal width for all columns and for long bars. */
const WIDE = 100;

/** Labels for media types. Other media types are printed unchanged. */
const KINDS: Readonly<Record<string, string>> = {
  'application/vnd.amazon.soci.index.v1+json': 'SOCI index',
  'application/vnd.amazon.soci.index.v2+json': 'SOCI index',
  'application/vnd.oci.image.config.v1+json': 'manifest',
  'application/vnd.docker.container.image.v1+json': 'manifest',
};

/** Prints all events with the results of the rule and the functions. */
export async function printEvents(traces: readonly EventTrace[], output: Output): Promise<void> {
  await printTitle('Events', output);
  const rows = traces.flatMap(({ event, rules, filter, generator }, position) => {
    const isRepeated = traces.slice(0, position).some((before) => before.event.id === event.id);
    const result = rules.length > 0 ? 'matched by the rule' : 'not matched';
    return [
      [`${describeEvent(event)}${isRepeated ? ' (again)' : ''}`, result],
      ...filter.map((run) => ['  filter', describeFilter(run), ...usageCells(run.invocation)]),
      ...generator.map((run) => ['  generator', describeGenerator(run), ...usageCells(run.invocation)]),
    ];
  });
  await output.writeTable(output.width < WIDE ? EVENT_COLUMNS.slice(0, -1) : EVENT_COLUMNS, rows, '  ');
}

async function printTitle(title: string, output: Output): Promise<void> {
  await output.writeLine();
  await output.writeLine(output.style.bold(title));
}

/** Describes an event: the action and the image. */
function describeEvent(event: WorkflowEvent): string {
  const { 'action-type': action, 'image-tag': tag, 'artifact-media-type': artifact } = event.detail;
  if (!isRegistryEvent(event)) return printable(`${event['detail-type']} ${imageOf(event)}`);
  const kind = KINDS[String(artifact)] ?? String(artifact ?? 'index');
  return printable(`${String(action)} ${imageOf(event)}${tag === '' ? ` (${kind}, no tag)` : ''}`);
}

function usageCells({ milliseconds, initMilliseconds, maxMemory }: Invocation): string[] {
  return [
    formatSeconds(milliseconds / 1000),
    maxMemory === undefined ? '' : formatBytes(maxMemory),
    initMilliseconds === undefined ? '' : `+ ${formatSeconds(initMilliseconds / 1000)}`,
  ];
}

const LAYER_COLUMNS: readonly Column[] = [
  { title: 'LAYER', flexible: true },
  ...numberColumns('SIZE', 'FILES', 'SPANS'),
  { title: 'ZTOC', flexible: true },
  ...numberColumns('SIZE'),
];

/**
 * Prints the layers of a converted image, with their zTOCs or the reason why they have none.
 *
 * @param titles - Titles of the layers, if known.
 */
export async function printLayers(
  { image, result }: Verification,
  titles: readonly string[],
  minLayerSize: number | undefined,
  output: Output,
): Promise<void> {
  const byDigest = new Map(result.layers.map((report) => [report.layer, report]));
  const row = (layer: Descriptor, index: number): string[] => {
    const start = [titles[index] ?? shortDigest(layer.digest), formatBytes(layer.size)];
    const report = byDigest.get(layer.digest);
    if (report === undefined) return [...start, '', '', describeSkip(layer, minLayerSize)];
    const { files, spans, ztoc } = report;
    return [...start, formatCount(files), formatCount(spans), shortDigest(ztoc.digest), formatBytes(ztoc.size)];
  };
  for (const { platform, layers } of image.images) {
    const target = image.images.length > 1 ? ` for ${printable(formatPlatform(platform))}` : '';
    await printTitle(`Layers and their tables of contents (zTOCs)${target}`, output);
    await output.writeTable(LAYER_COLUMNS, layers.map(row), '  ');
  }
}

function describeSkip({ mediaType, size }: Descriptor, minLayerSize: number = DEFAULT_MIN_LAYER_SIZE): string {
  if (size < minLayerSize) return `skipped: < ${formatBytes(minLayerSize)}`;
  return `skipped: ${printable(mediaType)}`;
}

const REPOSITORY_COLUMNS: readonly Column[] = [
  { title: 'TAG' },
  { title: 'DIGEST' },
  ...numberColumns('SIZE'),
  { title: 'CONTENT', flexible: true },
];

/** Prints the manifests in the repository. */
export async function printInventory(
  repository: string,
  items: readonly InventoryItem[],
  output: Output,
): Promise<void> {
  await printTitle(`Manifests in the repository "${repository}"`, output);
  const rows = items.map((item) => [
    printable(item.tag),
    shortDigest(item.digest),
    formatBytes(item.size),
    `${item.tag === '' ? '- ' : ''}${describeItem(item)}`,
  ]);
  await output.writeTable(REPOSITORY_COLUMNS, rows, '  ');
}

function describeItem({ kind, parts }: InventoryItem): string {
  switch (kind) {
    case 'image':
      return `image with ${pluralize(parts, 'layer')}`;
    case 'image-index':
      return `image index with ${pluralize(parts, 'manifest')}`;
    case 'soci-enabled':
      return 'SOCI-enabled image, consisting of:';
    case 'soci-index':
      return `SOCI index with ${pluralize(parts, 'zTOC')}`;
    case 'other':
      return 'other manifest';
  }
}

/** Prints how much of the image must be fetched to read one file, for some files. */
export async function printReadCosts(imageSize: number, costs: readonly ReadCost[], output: Output): Promise<void> {
  const { green, dim } = output.style;
  const barWidth = output.width < WIDE ? 12 : 20;
  const row = (bytes: number, name: string) => {
    const facts = `${formatPercent(bytes, imageSize).padStart(7)}  ${formatBytes(bytes).padStart(8)}  `;
    return `  ${green(drawBar(bytes, imageSize, barWidth))}${facts}${shorten(name, Math.max(20, output.width - barWidth - 22))}`;
  };
  await printTitle('Share of the image to fetch for one file', output);
  for (const { name, size, bytesToFetch } of costs) {
    await output.writeLine(row(bytesToFetch, `${printable(name)}, ${formatBytes(size)}`));
  }
  await output.writeLine(dim(row(imageSize, 'any file, without an index')));
}

/** Prints commands to try next. */
export async function printNextSteps(folder: string, file: string | undefined, output: Output): Promise<void> {
  const installed = join('node_modules', '.bin', 'soci-index');
  const program = existsSync(installed) ? `./${installed}` : 'soci-index';
  const commands: (readonly [command: string, purpose: string])[] = [
    [`${program} inspect oci:${folder}`, 'show the converted image'],
    [`${program} ls oci:${folder} /`, 'list its files'],
    ...(file === undefined ? [] : [[`${program} cat oci:${folder} /${printable(file)}`, 'print a file'] as const]),
    ['npm start -- oci:DIR', 'use your image in an OCI layout'],
    ['npm start -- HOST/REPO:TAG', 'use your image in a registry'],
    [`${program} convert HOST/REPO:TAG HOST/REPO:TAG-soci`, 'index your image in its registry'],
    ['npm start -- --help', 'show all options'],
  ];
  await printTitle('Next steps', output);
  const room = output.width - 4 - Math.max(...commands.map(([, purpose]) => purpose.length));
  const width = Math.max(0, ...commands.map(([command]) => command.length).filter((length) => length <= room));
  for (const [command, purpose] of commands) {
    const comment = command.length > width ? '' : `${' '.repeat(width - command.length)}  ${output.style.dim(purpose)}`;
    await output.writeLine(`  ${command}${comment}`);
  }
}
