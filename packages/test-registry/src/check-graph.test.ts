import { digestOf, MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { makeManifest, putIndex, seedImage } from './fixtures/image.ts';
import { startForTest } from './fixtures/start-for-test.ts';

test('returns nothing for a complete image', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  await putIndex(registry, 'app', 'all', [image]);
  expect(registry.checkGraph('app', 'all')).toEqual([]);
  expect(registry.checkGraph('app', image.digest)).toEqual([]);
});

test('reports a missing tag', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  expect(registry.checkGraph('app', 'v2')).toEqual(['app has no manifest v2']);
  expect(registry.checkGraph('none', 'v2')).toEqual(['none has no manifest v2']);
});

test('reports missing blobs and manifests with the referring manifest', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  const other = await seedImage(registry, 'app', undefined, 'other');
  const index = await putIndex(registry, 'app', 'all', [image, other]);
  await fetch(`${registry.url}/v2/app/blobs/${image.layer}`, { method: 'DELETE' });
  await fetch(`${registry.url}/v2/app/manifests/${other.digest}`, { method: 'DELETE' });
  expect(registry.checkGraph('app', 'all')).toEqual([
    `${image.layer} (application/vnd.oci.image.layer.v1.tar), referenced by ${image.digest}, is missing`,
    `${other.digest} (${MEDIA_TYPE_OCI_IMAGE_MANIFEST}), referenced by ${index}, is missing`,
  ]);
});

test('reports mismatching sizes, types and digests', async () => {
  const registry = await startForTest();
  const config = await registry.putBlob('app', Buffer.from('{}'));
  const manifest = Buffer.from(makeManifest(Buffer.from('{}'), []).toString().replace('"size":2', '"size":3'));
  const child = registry.putManifest('app', `sha256:${'1'.repeat(64)}`, MEDIA_TYPE_OCI_IMAGE_INDEX, manifest);
  const descriptor = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: child, size: manifest.length + 1 };
  const index = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests: [descriptor] }),
  );
  registry.putManifest('app', 'v1', MEDIA_TYPE_OCI_IMAGE_INDEX, index);
  expect(registry.checkGraph('app', 'v1')).toEqual([
    `${child} is ${MEDIA_TYPE_OCI_IMAGE_INDEX}, but ${digestOf(index)} says ${MEDIA_TYPE_OCI_IMAGE_MANIFEST}`,
    `${child} has ${manifest.length} bytes, but ${digestOf(index)} says ${manifest.length + 1}`,
    `the content of ${child} has another digest`,
  ]);
  registry.putManifest('app', 'v2', MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest);
  expect(registry.checkGraph('app', 'v2')).toEqual([`${config} has 2 bytes, but ${digestOf(manifest)} says 3`]);
});
