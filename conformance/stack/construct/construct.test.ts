// What the construct costs whoever uses it: the time of each `cdk synth`, and what npm brings.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { REPORT } from '../report.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CONSTRUCT = join(ROOT, 'packages', 'construct');

/** Rounds, in which each kind has its turn: the machine does other things too. */
const ROUNDS = 5;

/** Milliseconds. The goal is 500 on a machine with nothing else to do. */
const MOST_TIME = 1500;

const MOST_BYTES = 1 << 20;

/** What is synthesised, as `synthesise.cjs` is told. */
const KINDS = {
  'an empty stack': ['empty'],
  "the CDK's own functions and rule": ['functions', join(CONSTRUCT, 'assets')],
  'the construct': [CONSTRUCT],
} as const;

test('synthesising the construct takes little longer than an empty stack', { timeout: 300_000 }, () => {
  const folder = scratchFolder();
  const wall: Record<string, number[]> = {};
  const processor: Record<string, number[]> = {};
  // In the first round files come into the page cache.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [kind, args] of Object.entries(KINDS)) {
      const times = synthesise(folder, args);
      if (round === 0) continue;
      wall[kind] = [...(wall[kind] ?? []), times.wall];
      processor[kind] = [...(processor[kind] ?? []), times.processor];
    }
  }
  REPORT.measured('synthesis, ms', mapValues(wall, median));
  REPORT.measured('synthesis, ms of processors', mapValues(processor, median));
  const more = (processor['the construct'] ?? []).map((time, i) => time - (processor['an empty stack']?.[i] ?? 0));
  REPORT.measured('synthesis, ms of processors that the construct takes more', {
    median: median(more),
    least: Math.min(...more),
  });
  // Other work on the machine makes it slower, never faster.
  expect(Math.min(...more)).toBeLessThan(MOST_TIME);
});

test('the package is small', () => {
  const folder = scratchFolder();
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { packageManager: string };
  execFileSync('npx', ['-y', packageManager, 'pack', '--pack-destination', folder], { cwd: CONSTRUCT, stdio: 'pipe' });
  const [tarball = ''] = readdirSync(folder);
  const { size } = statSync(join(folder, tarball));
  REPORT.measured('package of the construct', { bytes: size });
  expect(size).toBeLessThan(MOST_BYTES);
});

/** Milliseconds of one process from its start to its end, and of processors. */
function synthesise(folder: string, args: readonly string[]): { wall: number; processor: number } {
  const started = performance.now();
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, 'synthesise.cjs'), folder, ...args], {
    env: { ...process.env, NODE_PATH: join(CONSTRUCT, 'node_modules'), NODE_OPTIONS: '' },
    stdio: 'pipe',
  });
  return { wall: performance.now() - started, processor: Number(printed.toString()) };
}

function median(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[times.length >> 1] ?? Number.NaN;
}

function mapValues<From, To>(values: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'construct-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
