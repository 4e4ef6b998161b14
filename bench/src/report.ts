import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { type Comparison, ratioOf, type Spread, spreadOf } from './compare.ts';

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

/** A comparison as a Markdown table; CPU ratios are against `baseline`, pair by pair, where there is one. */
export function formatComparison(comparison: Comparison, baseline?: string): string {
  const hasDisk = comparison.rounds.some((round) => round.some(({ temporaryDisk }) => temporaryDisk > 0));
  const head = [
    '',
    'CPU, s',
    'wall, s',
    'peak memory, MB',
    ...(hasDisk ? ['temporary disk, MB'] : []),
    ...(baseline === undefined ? [] : [`CPU against ${baseline}`]),
  ];
  const rows = comparison.names.map((name) => [
    name,
    times(spreadOf(comparison, name, ({ cpu }) => cpu)),
    times(spreadOf(comparison, name, ({ wall }) => wall)),
    megabytes(spreadOf(comparison, name, ({ memory }) => memory).max),
    ...(hasDisk ? [megabytes(spreadOf(comparison, name, ({ temporaryDisk }) => temporaryDisk).max)] : []),
    ...(baseline === undefined
      ? []
      : [name === baseline ? '1' : times(ratioOf(comparison, name, baseline, ({ cpu }) => cpu))]),
  ]);
  return formatTable(head, rows);
}

/** A Markdown table; the columns are of numbers, but for the first and those of `words`. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  words: readonly number[] = [],
): string {
  return [head, head.map((_, column) => (column === 0 || words.includes(column) ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

/** A section in Markdown. */
export function formatSection({ heading, setting, tables, targets }: Section): string {
  return [`## ${heading}`, setting, ...tables, ...(targets.length > 0 ? [formatTargets(targets)] : [])].join('\n\n');
}

/** What was to be reached, and what was found, as a Markdown list. */
export function formatTargets(targets: readonly Target[]): string {
  return targets
    .map(({ text, isReached, found }) => `- ${isReached ? 'Reached' : '**Not reached**'}: ${text}. Found: ${found}.`)
    .join('\n');
}

/** The target that the median of some ratios is at least so much. */
export function atLeast(least: number, ratio: Spread, text: string): Target {
  return { text, isReached: ratio.median >= least, found: times(ratio) };
}

/** The target that the median of some ratios is at most so much. */
export function atMost(most: number, ratio: Spread, text: string): Target {
  return { text, isReached: ratio.median <= most, found: times(ratio) };
}

/** The target that something takes at most so many bytes. */
export function bytesAtMost(most: number, bytes: number, text: string): Target {
  return { text, isReached: bytes <= most, found: `${megabytes(bytes)} MB` };
}

/** From this heading on a report is written by hand, about what the numbers above it mean, and kept. */
const NOTES = '## Notes';

/** Writes a report to its file, above the notes that are there. */
export function writeReport(file: URL, report: string): void {
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const at = old.indexOf(NOTES);
  writeFileSync(file, `${report}\n\n${at < 0 ? `${NOTES}\n` : old.slice(at)}`);
}

/** `median (min–max)` of ratios, or of seconds. */
export function times({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

/** Bytes in millions. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** The machine and the versions that matter, without its name or place. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const facts = [
    `${model}, ${availableParallelism()} cores`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`,
    `Linux on ${process.arch}`,
    `Node.js ${process.versions.node} (zlib ${process.versions.zlib})`,
    versionOf('go', ['version'], /go(\d\S*)/, 'Go'),
    versionOf('igzip', ['-V'], /(\d+\.\d+\S*)/, 'igzip'),
    versionOf('libdeflate-gunzip', ['-V'], /v(\d+\.\d+\S*)/, 'libdeflate'),
    versionOf('openssl', ['version'], /OpenSSL (\S+)/, 'OpenSSL'),
  ];
  return facts.filter((fact) => fact !== undefined).join('; ');
}

function versionOf(
  program: string,
  programArguments: readonly string[],
  pattern: RegExp,
  name: string,
): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, programArguments, { encoding: 'utf8' });
  return error === undefined ? `${name} ${pattern.exec(stdout + stderr)?.[1] ?? '(unknown version)'}` : undefined;
}
