import { readFileSync } from 'node:fs';
import { MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { smallImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistryOptions } from '@soci/test-registry';
import { expect, onTestFinished, test } from 'vitest';
import { promoteImage } from './fixtures/readme-example.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README contains the tested example', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('fixtures/readme-example.ts')}\`\`\``);
});

test('the example behaves as the README says', async () => {
  const source = await start();
  const image = smallImage();
  for (const { bytes } of image.blobs) await source.putBlob('team/app', bytes);
  const { descriptor, bytes } = image.manifest;
  source.putManifest('team/app', 'v1', MEDIA_TYPE_OCI_IMAGE_MANIFEST, bytes);

  const target = await start({ immutableTags: true, redirects: true });
  expect(await promoteImage(source.host, target.host, 'team/app', 'v1')).toEqual([descriptor.digest]);
  expect(await promoteImage(source.host, target.host, 'team/app', 'v1')).toEqual([descriptor.digest]);
  expect(target.manifest('team/app', 'v1')?.digest).toBe(descriptor.digest);
  expect(await target.blob('team/app', image.blobs[1]?.descriptor.digest ?? '')).toBeDefined();

  const other = smallImage('another layer');
  for (const { bytes } of other.blobs) await source.putBlob('team/app', bytes);
  source.putManifest('team/app', 'v1', MEDIA_TYPE_OCI_IMAGE_MANIFEST, other.manifest.bytes);
  expect(await promoteImage(source.host, target.host, 'team/app', 'v1')).toEqual([]);
  expect(target.manifest('team/app', 'v1')?.digest).toBe(descriptor.digest);
});

async function start(options: TestRegistryOptions = {}) {
  const registry = await startTestRegistry(options);
  onTestFinished(() => registry.stop());
  return registry;
}
