import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { image, MemoryCatalog } from './fixtures/memory-catalog.ts';
import { listMissing } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example lists the images that need an index', async () => {
  const catalog = new MemoryCatalog({ app: [image('v1'), image('dev')] });
  expect(await listMissing(catalog, '*:v*')).toEqual(['app:v1: no-index']);
});
