import { type Column, formatBytes, formatSeconds, type Output, printable } from '@soci/cli/internal';
import type { Invocation } from '@soci/test-aws';
import { type EventStory, imageOf, isOfRegistry, type TellingEvent } from '../workflow/event-story.ts';
import { describeFilter, describeGenerator } from './decision.ts';

const COLUMNS: readonly Column[] = [
  { title: 'EVENT', flexible: true },
  { title: 'DECIDED', flexible: true },
  { title: 'TIME', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'COLD START', align: 'right' },
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
export async function printEvents(stories: readonly EventStory[], output: Output): Promise<void> {
  await output.writeLine();
  await output.writeLine(output.style.bold('Each event, and what became of it'));
  const rows = stories.flatMap(({ event, rules, filter, generator }, position) => {
    const isRepeated = stories.slice(0, position).some((before) => before.event.id === event.id);
    return [
      [
        `${describeEvent(event)}${isRepeated ? ' (again)' : ''}`,
        rules.length > 0 ? 'the rule lets it through' : 'no rule lets it through',
        '',
        '',
        '',
      ],
      ...filter.map((run) => ['  filter', describeFilter(run), ...costs(run.invocation)]),
      ...generator.map((run) => ['  generator', describeGenerator(run), ...costs(run.invocation)]),
    ];
  });
  const shown = output.width < ROOMY ? COLUMNS.slice(0, -1) : COLUMNS;
  await output.writeTable(
    shown,
    rows.map((row) => row.slice(0, shown.length)),
    '  ',
  );
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
