import { type Contest, ratioOf, type Spread, spreadOf } from './contest.ts';

/** A number to reach, and how near we came. */
export interface Target {
  readonly text: string;
  readonly isReached: boolean;
  readonly found: string;
}

/** A part of the report: its table, and what it was to show. */
export interface Section {
  readonly heading: string;
  /** What was run on what, in Markdown. */
  readonly setting: string;
  readonly tables: readonly string[];
  readonly targets: readonly Target[];
}

/** A contest as a Markdown table; CPU ratios are against `baseline`, pair by pair, where there is one. */
export function formatContest(contest: Contest, baseline?: string): string {
  const hasDisk = contest.rounds.some((round) => round.some(({ temporaryDisk }) => temporaryDisk > 0));
  const head = [
    '',
    'CPU, s',
    'wall, s',
    'peak memory, MB',
    ...(hasDisk ? ['temporary disk, MB'] : []),
    ...(baseline === undefined ? [] : [`CPU against ${baseline}`]),
  ];
  const rows = contest.names.map((name) => [
    name,
    seconds(spreadOf(contest, name, ({ cpu }) => cpu)),
    seconds(spreadOf(contest, name, ({ wall }) => wall)),
    megabytes(spreadOf(contest, name, ({ memory }) => memory).max),
    ...(hasDisk ? [megabytes(spreadOf(contest, name, ({ temporaryDisk }) => temporaryDisk).max)] : []),
    ...(baseline === undefined
      ? []
      : [name === baseline ? '1' : times(ratioOf(contest, name, baseline, ({ cpu }) => cpu))]),
  ]);
  return [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

/** A section in Markdown. */
export function formatSection({ heading, setting, tables, targets }: Section): string {
  const reached = targets.map(
    ({ text, isReached, found }) => `- ${isReached ? 'Reached' : '**Not reached**'}: ${text}. Found: ${found}.`,
  );
  return [`## ${heading}`, setting, ...tables, ...(reached.length > 0 ? [reached.join('\n')] : [])].join('\n\n');
}

/** `median (min–max)` of ratios. */
export function times({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

/** Bytes in millions. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function seconds({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}
