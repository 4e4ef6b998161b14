import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeLayout } from './fixtures/layout.ts';
import { pullByFetch } from './fixtures/puller.ts';
import { tryPuller } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example behaves as the README says', async () => {
  const { folder } = await makeLayout(Buffer.alloc(300_000, 'layer'), 'v1');
  expect(await tryPuller(pullByFetch, folder)).toEqual({
    metEveryFault: true,
    resumed: true,
    leakedCredentials: false,
  });
});
