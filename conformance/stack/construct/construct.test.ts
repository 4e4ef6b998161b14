// Costs of the construct for its users: code and processor time of `cdk synth`, and size of the npm package.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, test } from 'vitest';
import { REPORTS } from '../../run-report.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const CONSTRUCT = join(ROOT, 'packages', 'construct');

const MOST_BYTES = 1 << 20;

/** Arguments of `synthesise.cjs` for each kind. */
const KINDS = {
  'an empty stack': ['empty'],
  "the CDK's own functions and rule": ['functions', join(CONSTRUCT, 'assets')],
  'the construct': [CONSTRUCT],
} as const;

test("synthesising the construct reads less code than the CDK's own functions and rule", () => {
  const folder = temporaryFolder();
  const costs = Object.entries(KINDS).map(([kind, args]) => [kind, synthesise(folder, args)] as const);
  const of = (what: keyof Costs) => Object.fromEntries(costs.map(([kind, each]) => [kind, each[what]]));
  const bytes = of('bytes') as Record<keyof typeof KINDS, number>;
  REPORTS.stack.measured('synthesis, ms of processors', of('processor'));
  REPORTS.stack.measured('synthesis, bytes of code', bytes);
  expect(bytes['the construct']).toBeGreaterThan(bytes['an empty stack']);
  expect(bytes['the construct']).toBeLessThan(bytes["the CDK's own functions and rule"]);
});

test('the package is small', () => {
  const folder = temporaryFolder();
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { packageManager: string };
  execFileSync('npx', ['-y', packageManager, 'pack', '--pack-destination', folder], { cwd: CONSTRUCT, stdio: 'pipe' });
  const [tarball = ''] = readdirSync(folder);
  const { size } = statSync(join(folder, tarball));
  REPORTS.stack.measured('package of the construct', { bytes: size });
  expect(size).toBeLessThan(MOST_BYTES);
});

/** Costs of a process: processor time in milliseconds, and size of the scripts that it loaded. */
interface Costs {
  readonly processor: number;
  readonly bytes: number;
}

function synthesise(folder: string, args: readonly string[]): Costs {
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, 'synthesise.cjs'), folder, ...args], {
    env: { ...process.env, NODE_PATH: join(CONSTRUCT, 'node_modules'), NODE_OPTIONS: '' },
    stdio: 'pipe',
  });
  return JSON.parse(printed.toString());
}
