import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeFunctionFolder } from './fixtures/function-folder.ts';
import { tryFunction } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

const push = (tag: string) => ({ source: 'aws.ecr', detail: { 'action-type': 'PUSH', 'image-tag': tag } });

/** Fails the first time. */
const FLAKY = `
  let calls = 0;
  export async function handler() {
    calls += 1;
    if (calls === 1) throw new Error('the registry is busy');
  }
`;

test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example behaves as the README says', async () => {
  const folder = makeFunctionFolder(FLAKY);
  expect(await tryFunction(folder, push('v1'))).toEqual({
    tries: [
      { status: 'error', isCold: true },
      { status: 'success', isCold: false },
    ],
    abandoned: 0,
    startedNothing: 0,
  });
  expect(await tryFunction(folder, push(''))).toEqual({ tries: [], abandoned: 0, startedNothing: 1 });
});
