import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyImage } from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import { afterAll, expect, test } from 'vitest';
import { goldenFolder } from './fixtures/golden.ts';
import { putImage, putLayer } from './fixtures/image.ts';
import { enableSoci } from './fixtures/readme-example.ts';
import { inspectImage } from './inspect/inspect-image.ts';

const folder = mkdtempSync(join(tmpdir(), 'soci-index-'));
afterAll(() => rmSync(folder, { recursive: true }));

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the example of the README is the one that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('it does what the README says', async () => {
  // The golden layers are all smaller than the example's least size.
  const skipped = await enableSoci(goldenFolder('multi'), join(folder, 'none'), 'v1');
  expect(skipped.every((line) => line.endsWith(' smaller-than-min-layer-size'))).toBe(true);

  const large = await makeLargeImage(join(folder, 'large'));
  expect(await enableSoci(join(folder, 'large'), join(folder, 'converted'), 'v1')).toEqual([`${large} indexed`]);
  const converted = await openLayout(join(folder, 'converted'));
  expect(await inspectImage(converted, await converted.resolve('v1'))).toMatchObject({ isConverted: true });
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
