import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { copyImage, MEDIA_TYPE_OCI_LAYER } from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import { goldenLayoutPath, makeLayer, put, putImage, putLayer } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { expect, test } from 'vitest';
import { convertImage } from './convert/convert-image.ts';
import { enableSoci } from './fixtures/readme-example.ts';
import { readImageFile } from './fixtures/readme-filesystem-example.ts';
import { updateConverted } from './fixtures/readme-update-example.ts';
import { inspectImage } from './inspect/inspect-image.ts';

const folder = temporaryFolder();

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test.each(['readme-example.ts', 'readme-update-example.ts', 'readme-filesystem-example.ts'])(
  'the example of the README is the one that runs here: %s',
  (name) => {
    expect(read('../README.md')).toContain(`\`\`\`ts\n${read(`fixtures/${name}`)}\`\`\``);
  },
);

test('it does what the README says', async () => {
  // The golden layers are all smaller than the example's least size.
  const skipped = await enableSoci(goldenLayoutPath('multi'), join(folder, 'none'), 'v1');
  expect(skipped.every((line) => line.endsWith(' smaller-than-min-layer-size'))).toBe(true);

  const large = await makeLargeImage(join(folder, 'large'));
  expect(await enableSoci(join(folder, 'large'), join(folder, 'converted'), 'v1')).toEqual([`${large} indexed`]);
  const converted = await openLayout(join(folder, 'converted'));
  expect(await inspectImage(converted, await converted.resolve('v1'))).toMatchObject({ isConverted: true });
});

test('what is converted is brought up to date by its new layers', async () => {
  const store = new MemoryStore();
  const putPlain = (name: string) => put(store, MEDIA_TYPE_OCI_LAYER, gunzipSync(makeLayer(name, 11 << 20).bytes));
  const base = await putPlain('base');
  const first = await putImage(store, { architecture: 'amd64', os: 'linux' }, [base]);
  const converted = await convertImage(store, first);
  if (converted.outcome !== 'indexed') throw new Error(converted.reason);
  for (const { descriptor, content } of converted.artifacts) await store.push(descriptor, content);
  await store.tag(converted.root, 'soci');
  expect(await updateConverted(store, first, 'soci')).toBe('up to date');

  const second = await putImage(store, { architecture: 'amd64', os: 'linux' }, [base, await putPlain('app')]);
  expect(await updateConverted(store, second, 'soci')).toBe('other-layers: 1 of 2 layers read');
  expect(await updateConverted(store, second, 'soci')).toBe('up to date');
});

test('one file of an image is read', async () => {
  const store = new MemoryStore();
  const image = await putImage(store, { architecture: 'amd64', os: 'linux' }, [await putLayer(store, 'etc/app', 5000)]);
  await store.tag(image, 'v1');
  expect(await readImageFile(store, 'v1', '/etc/app')).toHaveLength(5000);
  await expect(readImageFile(store, 'v1', '/etc')).rejects.toThrow('is a directory');
});

/** Writes a layout with an image of one layer of more than 1 MiB; gives the layer's digest. */
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
