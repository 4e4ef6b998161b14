import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { copyImage, MEDIA_TYPE_OCI_LAYER } from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import { contentOf, goldenLayoutPath, makeImage, makeLayer, pushImage, putImage, putLayer } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry } from '@soci/test-registry';
import { expect, test } from 'vitest';
import { enableSoci } from './fixtures/readme-core-example.ts';
import { makeSeekable } from './fixtures/readme-example.ts';
import { readImageFile } from './fixtures/readme-filesystem-example.ts';
import { inspectImage } from './inspect/inspect-image.ts';

const folder = temporaryFolder();

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test.each(['readme-example.ts', 'readme-core-example.ts', 'readme-filesystem-example.ts'])(
  'the README contains the example that is tested here: %s',
  (name) => {
    expect(read('../README.md')).toContain(`\`\`\`ts\n${read(`fixtures/${name}`)}\`\`\``);
  },
);

test('the layout example converts an image', async () => {
  // All golden layers are smaller than the minimum size in the example.
  const skipped = await enableSoci(goldenLayoutPath('multi'), join(folder, 'none'), 'v1');
  expect(skipped.every((line) => line.endsWith(' smaller-than-min-layer-size'))).toBe(true);

  const large = await makeLargeImage(join(folder, 'large'));
  expect(await enableSoci(join(folder, 'large'), join(folder, 'converted'), 'v1')).toEqual([`${large} indexed`]);
  const converted = await openLayout(join(folder, 'converted'));
  expect(await inspectImage(converted, await converted.resolve('v1'))).toMatchObject({ isConverted: true });
});

test('the registry example reads only new layers', async () => {
  const registry = await startTestRegistry();
  try {
    const base = contentOf(MEDIA_TYPE_OCI_LAYER, gunzipSync(makeLayer('base', 11 << 20).bytes));
    const app = contentOf(MEDIA_TYPE_OCI_LAYER, gunzipSync(makeLayer('app', 11 << 20).bytes));
    await pushImage(registry, 'app', 'v1', makeImage([base]));
    const first = await makeSeekable(registry.host, 'app', 'v1');
    expect(first).toMatch(/^indexed: sha256:/);
    expect(first).toContain(registry.manifest('app', 'v1-soci')?.digest);
    expect(await makeSeekable(registry.host, 'app', 'v1')).toMatch(/^already-indexed: sha256:/);

    await pushImage(registry, 'app', 'v1', makeImage([base, app]));
    registry.clearRequests();
    expect(await makeSeekable(registry.host, 'app', 'v1')).toMatch(/^indexed: sha256:/);
    const isRead = ({ descriptor: { digest } }: typeof app) =>
      registry.requests.some(({ method, path }) => method === 'GET' && path.endsWith(digest));
    expect([base, app].map(isRead)).toEqual([false, true]);
    expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
  } finally {
    await registry.stop();
  }
});

test('the file system example reads one file', async () => {
  const store = new MemoryStore();
  const image = await putImage(store, { architecture: 'amd64', os: 'linux' }, [await putLayer(store, 'etc/app', 5000)]);
  await store.tag(image, 'v1');
  expect(await readImageFile(store, 'v1', '/etc/app')).toHaveLength(5000);
  await expect(readImageFile(store, 'v1', '/etc')).rejects.toThrow('is a directory');
});

/** Writes a layout with an image of one layer of more than 1 MiB. Returns the digest of the layer. */
async function makeLargeImage(to: string): Promise<string> {
  const store = new MemoryStore();
  const layer = await putLayer(store, 'large', 3_000_000);
  const image = await putImage(store, { architecture: 'amd64', os: 'linux' }, [layer]);
  const layout = await createLayout(to);
  await copyImage(store, layout, image);
  await layout.tag(image, 'latest');
  await layout.commit();
  return layer.digest;
}
