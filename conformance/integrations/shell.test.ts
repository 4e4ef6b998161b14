import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../registries/run-program.ts';
import { type CiMachine, digestOfTag, ROOT, startCiMachine } from './ci-machine.ts';
import { exampleBelow } from './documents.ts';

const folder = temporaryFolder();
let machine: CiMachine;

beforeAll(async () => {
  machine = await startCiMachine(folder);
});
afterAll(() => machine.registry.stop());

/** Runs an example in a new folder, with layers of any size. */
function runExample(heading: string, env: Readonly<Record<string, string>> = {}) {
  const work = join(folder, heading.replaceAll(/\W/g, ''));
  mkdirSync(work, { recursive: true });
  const script = exampleBelow('docs/ci.md', heading, 'sh');
  return runProgram('sh', ['-e', '-c', script], { env: { ...machine.env, IMAGE: machine.image, ...env }, cwd: work });
}

test('the command for any CI system indexes an image', async () => {
  const { code, stderr } = await runExample('Index images in CI', { SOCI_MIN_LAYER_SIZE: '0' });
  expect(code, stderr).toBe(0);
  expect(await digestOfTag(machine, 'v1-soci')).toMatch(/^sha256:/);
});

test('the commands that use the result name the new image, or the old one if there is nothing to index', async () => {
  const nothing = await runExample('Any other CI system', { SOCI_NO_REUSE: 'true', SOCI_MIN_LAYER_SIZE: '1GiB' });
  expect(nothing.code, nothing.stderr).toBe(0);
  expect(nothing.stdout.toString()).toMatch(new RegExp(`^deploy ${machine.image}$`, 'm'));
  const indexed = await runExample('Any other CI system', { SOCI_MIN_LAYER_SIZE: '0' });
  expect(indexed.code, indexed.stderr).toBe(0);
  expect(indexed.stdout.toString()).toMatch(new RegExp(`^deploy ${machine.image}-soci$`, 'm'));
});

const INTEGRATIONS = [
  'apps/github-action/action.yml',
  'apps/gitlab-component/templates/soci-index.yml',
  'apps/codebuild/buildspec.yml',
];

test.each(INTEGRATIONS)('%s has at most 150 lines', (file) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split('\n').length).toBeLessThanOrEqual(150);
});

test('all integrations and documents pin the version of the command line', () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/cli/package.json'), 'utf8')) as { version: string };
  for (const file of ['docs/ci.md', ...INTEGRATIONS]) {
    const pins = readFileSync(join(ROOT, file), 'utf8').match(/@soci\/cli@[\w.-]+/g) ?? [];
    expect(pins.length, file).toBeGreaterThan(0);
    for (const pin of pins) expect(pin, file).toBe(`@soci/cli@${version}`);
  }
});
