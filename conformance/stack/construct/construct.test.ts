// Costs of the construct for its users: duration of `cdk synth`, and size of the npm package.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, test } from 'vitest';
import { REPORT } from '../report.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CONSTRUCT = join(ROOT, 'packages', 'construct');

/** Number of rounds. Each round measures all kinds, because the load of the machine changes. */
const ROUNDS = 5;

/** Time limit in milliseconds. The goal is 500 on an idle machine. */
const MOST_TIME = 1500;

const MOST_BYTES = 1 << 20;

/** Arguments of `synthesise.cjs` for each kind. */
const KINDS = {
  'an empty stack': ['empty'],
  'a role': ['role'],
  "the CDK's own functions and rule": ['functions', join(CONSTRUCT, 'assets')],
  'the construct': [CONSTRUCT],
} as const;

type Kind = keyof typeof KINDS;

/**
 * The CDK validates the template, which takes longest for the first role in an app. Measured with the default and
 * without validation (decision 022).
 */
const VALIDATIONS = { 'with validation': {}, 'without validation': { CDK_VALIDATION: 'false' } };

test.each(Object.entries(VALIDATIONS))(
  'synthesising the construct %s takes little longer than an empty stack',
  { timeout: 300_000 },
  (how, env) => {
    const folder = temporaryFolder();
    const kinds = Object.keys(KINDS) as Kind[];
    const round = () => kinds.map((kind) => [kind, synthesise(folder, KINDS[kind], env)] as const);
    round(); // reads the files into the page cache
    const rounds = Array.from({ length: ROUNDS }, () => Object.fromEntries(round()) as Record<Kind, Times>);
    const medians = (what: keyof Times) =>
      Object.fromEntries(kinds.map((kind) => [kind, median(rounds.map((times) => times[kind][what]))]));
    REPORT.measured(`synthesis ${how}, ms`, medians('wall'));
    REPORT.measured(`synthesis ${how}, ms of processors`, medians('processor'));
    const more = rounds.map((times) => times['the construct'].processor - times['an empty stack'].processor);
    REPORT.measured(`synthesis ${how}, ms of processors that the construct takes more`, {
      median: median(more),
      least: Math.min(...more),
    });
    // Load on the machine only makes it slower.
    expect(Math.min(...more)).toBeLessThan(MOST_TIME);
  },
);

test('the package is small', () => {
  const folder = temporaryFolder();
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { packageManager: string };
  execFileSync('npx', ['-y', packageManager, 'pack', '--pack-destination', folder], { cwd: CONSTRUCT, stdio: 'pipe' });
  const [tarball = ''] = readdirSync(folder);
  const { size } = statSync(join(folder, tarball));
  REPORT.measured('package of the construct', { bytes: size });
  expect(size).toBeLessThan(MOST_BYTES);
});

/** Wall time and processor time of a process, in milliseconds. */
interface Times {
  readonly wall: number;
  readonly processor: number;
}

function synthesise(folder: string, args: readonly string[], env: Readonly<Record<string, string>>): Times {
  const started = performance.now();
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, 'synthesise.cjs'), folder, ...args], {
    env: { ...process.env, NODE_PATH: join(CONSTRUCT, 'node_modules'), NODE_OPTIONS: '', ...env },
    stdio: 'pipe',
  });
  return { wall: performance.now() - started, processor: Number(printed.toString()) };
}

function median(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[times.length >> 1] ?? Number.NaN;
}
