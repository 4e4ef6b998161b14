import { spawnSync } from 'node:child_process';
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
    seconds(spreadOf(comparison, name, ({ cpu }) => cpu)),
    seconds(spreadOf(comparison, name, ({ wall }) => wall)),
    megabytes(spreadOf(comparison, name, ({ memory }) => memory).max),
    ...(hasDisk ? [megabytes(spreadOf(comparison, name, ({ temporaryDisk }) => temporaryDisk).max)] : []),
    ...(baseline === undefined
      ? []
      : [name === baseline ? '1' : times(ratioOf(comparison, name, baseline, ({ cpu }) => cpu))]),
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
