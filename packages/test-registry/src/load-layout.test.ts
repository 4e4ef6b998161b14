import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@soci/oci';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, test } from 'vitest';
import { makeLayout } from './fixtures/layout.ts';
import { startForTest } from './fixtures/start-for-test.ts';

const layer = Buffer.alloc(2_500_000, 'layer');

test.each(['memory', 'folder'])('loads an image of a layout into %s', async (storage) => {
  const registry = await startForTest(storage === 'folder' ? { folder: temporaryFolder() } : {});
  const { folder, digest } = await makeLayout(layer, 'inside');
  expect(await registry.loadLayout('app', folder, 'v1')).toBe(digest);
  expect(registry.tags('app')).toEqual(['v1']);
  expect(registry.checkGraph('app', 'v1')).toEqual([]);
  expect(registry.events).toEqual([]);
  const got = await fetch(`${registry.url}/v2/app/blobs/${digestOf(layer)}`);
  expect(Buffer.from(await got.arrayBuffer())).toEqual(layer);
});

test('selects an image by its reference in the layout', async () => {
  const registry = await startForTest();
  const { folder } = await makeLayout(layer, 'inside');
  await registry.loadLayout('app', folder, 'v1', 'inside');
  await expect(registry.loadLayout('app', folder, 'v2', 'outside')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(registry.tags('app')).toEqual(['v1']);
});

test('rejects a folder that is missing, not a layout, or corrupt', async () => {
  const registry = await startForTest();
  const missing = join(temporaryFolder(), 'missing');
  await expect(registry.loadLayout('app', missing, 'v1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(registry.loadLayout('app', temporaryFolder(), 'v1')).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  const { folder } = await makeLayout(layer, 'inside');
  writeFileSync(join(folder, 'blobs', 'sha256', digestOf(layer).slice(7)), Buffer.alloc(layer.length, 'other'));
  await expect(registry.loadLayout('app', folder, 'v1')).rejects.toMatchObject({
    code: 'CONTENT_INVALID',
    message: expect.stringContaining(digestOf(layer)),
  });
  expect(registry.tags('app')).toEqual([]);
});
