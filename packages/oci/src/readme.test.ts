import { readFileSync } from 'node:fs';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, test } from 'vitest';
import { copyPlatform } from './fixtures/readme-example.ts';
import { openLayout } from './layout/layout-store.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the example that this test runs', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example copies one platform', async () => {
  const folder = `${temporaryFolder()}/arm64`;
  expect(await copyPlatform(goldenLayoutPath('multi'), folder, 'v1')).toEqual(['gzip, 564 bytes']);
  expect(await (await openLayout(folder)).resolve('v1')).toMatchObject({ platform: { architecture: 'arm64' } });
});
