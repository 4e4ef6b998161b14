import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { type Comparison, ratioOf, type Spread, spreadOf } from './compare.ts';

/** A goal and the measured result. */
export interface Target {
  readonly goal: string;
  readonly isReached: boolean;
  readonly measured: string;
}

/** A section of the report. */
export interface Section {
  readonly heading: string;
  /** The main result, for the first paragraph of the page. */
  readonly summary?: string;
  /** Input and procedure, in Markdown. */
  readonly setup: string;
  readonly tables: readonly string[];
  readonly targets: readonly Target[];
}

/** Formats a comparison as a Markdown table, with CPU ratios to `baseline` if it is set. */
export function formatComparison(comparison: Comparison, baseline?: string): string {
  const hasDisk = comparison.rounds.some((round) => round.some(({ temporaryDisk }) => temporaryDisk > 0));
  const head = [
    '',
    'CPU, s',
    'wall, s',
    'peak memory, MB',
    ...(hasDisk ? ['temporary disk, MB'] : []),
    ...(baseline === undefined ? [] : [`CPU relative to ${baseline}`]),
  ];
  const rows = comparison.names.map((name) => [
    name,
    formatSpread(spreadOf(comparison, name, ({ cpu }) => cpu)),
    formatSpread(spreadOf(comparison, name, ({ wall }) => wall)),
    megabytes(spreadOf(comparison, name, ({ memory }) => memory).max),
    ...(hasDisk ? [megabytes(spreadOf(comparison, name, ({ temporaryDisk }) => temporaryDisk).max)] : []),
    ...(baseline === undefined
      ? []
      : [name === baseline ? '1' : formatSpread(ratioOf(comparison, name, baseline, ({ cpu }) => cpu))]),
  ]);
  return formatTable(head, rows);
}

/** Formats a Markdown table. The first column and the columns in `textColumns` are aligned left, the others right. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  textColumns: readonly number[] = [],
): string {
  return [head, head.map((_, column) => (column === 0 || textColumns.includes(column) ? '---' : '---:')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

/** Formats a section as Markdown. */
export function formatSection({ heading, setup, tables, targets }: Section): string {
  return [`## ${heading}`, setup, ...tables, ...(targets.length > 0 ? [formatTargets(targets)] : [])].join('\n\n');
}

/** Formats targets as a Markdown list. */
export function formatTargets(targets: readonly Target[]): string {
  return targets
    .map(
      ({ goal, isReached, measured }) =>
        `- ${isReached ? 'Target reached' : '**Target missed**'}: ${goal}. Measured: ${measured}.`,
    )
    .join('\n');
}

/** Returns the target that the median of `ratio` is at least `least`. */
export function atLeast(least: number, ratio: Spread, goal: string): Target {
  return { goal, isReached: ratio.median >= least, measured: formatSpread(ratio) };
}

/** Returns the target that the median of `ratio` is at most `most`. */
export function atMost(most: number, ratio: Spread, goal: string): Target {
  return { goal, isReached: ratio.median <= most, measured: formatSpread(ratio) };
}

/** Returns the target that `bytes` is at most `most`. */
export function bytesAtMost(most: number, bytes: number, goal: string): Target {
  return { goal, isReached: bytes <= most, measured: `${megabytes(bytes)} MB` };
}

/** The part of a report from this heading on is written by hand and kept. */
const NOTES = '## Notes';

/** The page with the results of all benchmarks. */
export const BENCHMARKS_PAGE = new URL('../../docs/benchmarks.md', import.meta.url);

/** Heading of the section that `npm run bench -- runtime` writes. Other commands keep it. */
export const RUNTIME_SECTION = 'Container start';

/** Heading of the section that `npm run bench -- plan` writes. Other commands keep it. */
export const PLAN_SECTION = 'Plan of a whole registry';

/** Heading of the section that `npm run bench -- pushes` writes. Other commands keep it. */
export const PUSHES_SECTION = 'Pushes during a backfill';

/** Heading of the section that `npm run bench -- lambda` writes. Other commands keep it. */
export const LAMBDA_SECTION = 'Memory sizes of AWS Lambda';

/** Sections with commands of their own. */
const KEPT_SECTIONS = [RUNTIME_SECTION, PLAN_SECTION, PUSHES_SECTION, LAMBDA_SECTION];

/** Writes a report to its file. Keeps the sections that other commands write, and the file's notes. */
export function writeReport(file: URL, report: string): void {
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const start = old.indexOf(NOTES);
  const kept = KEPT_SECTIONS.flatMap((heading) => sectionOf(old, heading)?.trimEnd() ?? []);
  const text = [report, ...kept].join('\n\n');
  writeFileSync(file, `${text}\n\n${start < 0 ? `${NOTES}\n` : old.slice(start)}`);
}

/** Replaces a section of a page, or adds it before the notes. */
export function replaceSection(file: URL, heading: string, section: string): void {
  const old = readFileSync(file, 'utf8');
  const kept = sectionOf(old, heading);
  const position = kept === undefined ? old.indexOf(NOTES) : old.indexOf(kept);
  const rest = old.slice(position + (kept?.length ?? 0));
  writeFileSync(file, `${old.slice(0, position)}${section}\n\n${rest}`);
}

/** Returns a section of a page, with the blank line at its end. */
function sectionOf(page: string, heading: string): string | undefined {
  const start = page.indexOf(`## ${heading}\n`);
  if (start < 0) return undefined;
  const next = page.indexOf('\n## ', start);
  return page.slice(start, next < 0 ? undefined : next + 1);
}

/** Formats ratios or seconds as `median (min–max)`. */
export function formatSpread({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

/** Formats bytes as millions of bytes. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

/** Describes the machine and the versions of the programs, without the host name. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const facts = [
    `${model}, ${availableParallelism()} cores`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`,
    `Linux on ${process.arch}`,
    `Node.js ${process.versions.node} (zlib ${process.versions.zlib}; ${megabytes(emptyScriptMemory())} MB of memory for an empty script)`,
    versionOf('go', ['version'], /go(\d\S*)/, 'Go'),
    versionOf('igzip', ['-V'], /(\d+\.\d+\S*)/, 'igzip'),
    versionOf('libdeflate-gunzip', ['-V'], /v(\d+\.\d+\S*)/, 'libdeflate'),
    versionOf('openssl', ['version'], /OpenSSL (\S+)/, 'OpenSSL'),
  ];
  return facts.filter((fact) => fact !== undefined).join('; ');
}

/**
 * Returns the peak memory of an empty script, in bytes: a part of all peaks that differs between machines, because kernels map
 * different amounts of the program file.
 */
function emptyScriptMemory(): number {
  const { stdout } = spawnSync(process.execPath, ['-p', 'process.resourceUsage().maxRSS'], { encoding: 'utf8' });
  return Number(stdout) * 1024;
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
