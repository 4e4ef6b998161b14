import { temporaryFolder } from '@soci/test-content/vitest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../registries/run-program.ts';
import { type CiMachine, digestOfTag, startCiMachine } from './ci-machine.ts';
import { exampleBelow } from './documents.ts';

const SCRIPT = exampleBelow('docs/ci.md', 'Any other CI system', 'sh');
const folder = temporaryFolder();
let machine: CiMachine;

beforeAll(async () => {
  machine = await startCiMachine(folder);
});
afterAll(() => machine.registry.stop());

test('the commands for any CI system index an image', async () => {
  const env = { ...machine.env, IMAGE: machine.image };
  const { code, stderr } = await runProgram('sh', ['-e', '-c', SCRIPT], { env });
  expect(code, stderr).toBe(0);
  expect(await digestOfTag(machine, 'v1-soci')).toMatch(/^sha256:/);
});
