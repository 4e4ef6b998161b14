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
import type { Proof, ReadingCost } from '../proof.ts';
import { type EventTrace, imageOf, isOfRegistry, type TellingEvent } from '../workflow/event-trace.ts';
import { describeFilter, describeGenerator } from './steps.ts';

const EVENT_COLUMNS: readonly Column[] = [
  { title: 'EVENT', flexible: true },
  { title: 'DECIDED', flexible: true },
  ...numberColumns('TIME', 'MEMORY', 'COLD START'),
];

/** Columns of a terminal that has room for all of the table. */
const ROOMY = 100;

/** What media types are called here; others by their own name. */
const KINDS: Readonly<Record<string, string>> = {
  'application/vnd.amazon.soci.index.v1+json': 'SOCI index',
  'application/vnd.amazon.soci.index.v2+json': 'SOCI index',
  'application/vnd.oci.image.config.v1+json': 'manifest',
  'application/vnd.docker.container.image.v1+json': 'manifest',
};

/** Prints each event, and what the rule and the functions have made of it. */
export async function printEvents(traces: readonly EventTrace[], output: Output): Promise<void> {
  await printTitle('Each event, and what became of it', output);
  const rows = traces.flatMap(({ event, rules, filter, generator }, position) => {
    const isRepeated = traces.slice(0, position).some((before) => before.event.id === event.id);
    const decided = rules.length > 0 ? 'the rule lets it through' : 'no rule lets it through';
    return [
      [`${describeEvent(event)}${isRepeated ? ' (again)' : ''}`, decided],
      ...filter.map((run) => ['  filter', describeFilter(run), ...costs(run.invocation)]),
      ...generator.map((run) => ['  generator', describeGenerator(run), ...costs(run.invocation)]),
    ];
  });
  await output.writeTable(output.width < ROOMY ? EVENT_COLUMNS.slice(0, -1) : EVENT_COLUMNS, rows, '  ');
}

async function printTitle(title: string, output: Output): Promise<void> {
  await output.writeLine(`\n${output.style.bold(title)}`);
}

/** What has happened to what. */
function describeEvent(event: TellingEvent): string {
  const { 'action-type': action, 'image-tag': tag, 'artifact-media-type': artifact } = event.detail;
  if (!isOfRegistry(event)) return printable(`${event['detail-type']} ${imageOf(event)}`);
  const kind = KINDS[String(artifact)] ?? String(artifact ?? 'index');
  return printable(`${String(action)} ${imageOf(event)}${tag === '' ? ` (${kind}, no tag)` : ''}`);
}

function costs({ milliseconds, initMilliseconds, maxMemory }: Invocation): string[] {
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
 * Prints the layers of a converted image, each with its zTOC or why it has none.
 *
 * @param titles - What the layers are called, where that is known.
 */
export async function printLayers(
  { image, verification }: Proof,
  titles: readonly string[],
  minLayerSize: number | undefined,
  output: Output,
): Promise<void> {
  const byDigest = new Map(verification.layers.map((report) => [report.layer, report]));
  const row = (layer: Descriptor, index: number): string[] => {
    const start = [titles[index] ?? shortDigest(layer.digest), formatBytes(layer.size)];
    const report = byDigest.get(layer.digest);
    if (report === undefined) return [...start, '', '', whyNone(layer, minLayerSize)];
    const { files, spans, ztoc } = report;
    return [...start, formatCount(files), formatCount(spans), shortDigest(ztoc.digest), formatBytes(ztoc.size)];
  };
  for (const { platform, layers } of image.images) {
    const where = image.images.length > 1 ? ` for ${printable(formatPlatform(platform))}` : '';
    await printTitle(`The layers${where}, each with its table of contents (zTOC)`, output);
    await output.writeTable(LAYER_COLUMNS, layers.map(row), '  ');
  }
}

function whyNone({ mediaType, size }: Descriptor, minLayerSize: number = DEFAULT_MIN_LAYER_SIZE): string {
  if (size < minLayerSize) return `none: < ${formatBytes(minLayerSize)}`;
  return `none: ${printable(mediaType)}`;
}

const REPOSITORY_COLUMNS: readonly Column[] = [
  { title: 'TAG' },
  { title: 'DIGEST' },
  ...numberColumns('SIZE'),
  { title: 'WHAT IT IS', flexible: true },
];

/** Prints what is in the repository when all is done. */
export async function printInventory(
  repository: string,
  items: readonly InventoryItem[],
  output: Output,
): Promise<void> {
  await printTitle(`In the repository "${repository}" now`, output);
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
      return `image of ${pluralize(parts, 'layer')}`;
    case 'image-index':
      return `image index of ${pluralize(parts, 'manifest')}`;
    case 'soci-enabled':
      return `SOCI-enabled image, which lists:`;
    case 'soci-index':
      return `SOCI index: zTOCs of ${pluralize(parts, 'layer')}`;
    case 'other':
      return 'another manifest';
  }
}

/** Shows how little of the image must be fetched to read single files of it. */
export async function printCosts(imageSize: number, costs: readonly ReadingCost[], output: Output): Promise<void> {
  const { green, dim } = output.style;
  const barWidth = output.width < 100 ? 12 : 20;
  const row = (bytes: number, name: string) => {
    const facts = `${formatPercent(bytes, imageSize).padStart(7)}  ${formatBytes(bytes).padStart(8)}  `;
    return `  ${green(drawBar(bytes, imageSize, barWidth))}${facts}${shorten(name, Math.max(20, output.width - barWidth - 22))}`;
  };
  await printTitle('To read one file, so much of the image must be fetched', output);
  for (const { name, size, bytesToFetch } of costs) {
    await output.writeLine(row(bytesToFetch, `${printable(name)}, ${formatBytes(size)}`));
  }
  await output.writeLine(dim(row(imageSize, 'any file, without the index')));
}

/** Says what to try next. */
export async function suggestNext(folder: string, file: string | undefined, output: Output): Promise<void> {
  const installed = join('node_modules', '.bin', 'soci-index');
  const program = existsSync(installed) ? `./${installed}` : 'soci-index';
  const commands: (readonly [command: string, purpose: string])[] = [
    [`${program} inspect oci:${folder}`, 'the image that was made'],
    [`${program} ls oci:${folder} /`, 'its files'],
    ...(file === undefined ? [] : [[`${program} cat oci:${folder} /${printable(file)}`, 'one of them'] as const]),
    ['npm start -- oci:DIR', 'the same with your image, from an OCI layout'],
    ['npm start -- HOST/REPO:TAG', 'or from a registry'],
    [`${program} convert HOST/REPO:TAG HOST/REPO:TAG-soci`, 'index it in your own registry'],
    ['npm start -- --help', 'the options'],
  ];
  await printTitle('Try next', output);
  const room = output.width - 4 - Math.max(...commands.map(([, purpose]) => purpose.length));
  const width = Math.max(0, ...commands.map(([command]) => command.length).filter((length) => length <= room));
  for (const [command, purpose] of commands) {
    const comment = command.length > width ? '' : `${' '.repeat(width - command.length)}  ${output.style.dim(purpose)}`;
    await output.writeLine(`  ${command}${comment}`);
  }
}
