import { digestOf, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { makeManifest, pushManifest, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';
import { completeUpload, errorOf, locationOf, openUpload, sendChunk } from '../fixtures/upload.ts';

const MiB = 1 << 20;

test('rejects a push to a missing repository', async () => {
  const registry = await startForTest({ ecr: true });
  const post = () => fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: 'POST' });
  expect(await errorOf(await post())).toEqual([404, 'NAME_UNKNOWN']);
  registry.createRepository('app');
  expect((await post()).status).toBe(202);
});

test('rejects a manifest with an artifactType', async () => {
  const registry = await startForTest({ ecr: true });
  await seedImage(registry, 'app', 'v1');
  const manifest = makeManifest(Buffer.from('{}'), [], { artifactType: 'text/a' });
  const response = await pushManifest(registry, 'app', 'v2', manifest);
  expect(response.status).toBe(405);
  expect(await response.json()).toMatchObject({
    errors: [
      {
        code: 'UNSUPPORTED',
        message: "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
      },
    ],
  });
});

test('rejects setting an immutable tag even to the same image', async () => {
  const registry = await startForTest({ ecr: true, immutableTags: true });
  const { manifest } = await seedImage(registry, 'app', 'v1');
  const response = await pushManifest(registry, 'app', 'v1', manifest);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    errors: [
      { code: 'TAG_INVALID', message: expect.stringMatching(/^The image tag 'v1' already exists in the 'app'/) },
    ],
  });
});

test('without option ecr, rejects an immutable tag only for another image', async () => {
  const registry = await startForTest({ immutableTags: true });
  const { manifest } = await seedImage(registry, 'app', 'v1');
  expect((await pushManifest(registry, 'app', 'v1', manifest)).status).toBe(201);
  await expect(seedImage(registry, 'app', 'v1', 'another')).rejects.toThrow(/400.*TAG_INVALID/);
  expect((await pushManifest(registry, 'app', 'v2', manifest)).status).toBe(201);
});

test('responds to chunks with 201 and the range of the first chunk', async () => {
  const registry = await startForTest({ ecr: true });
  registry.createRepository('app');
  const whole = Buffer.alloc(11 * MiB, 'part');
  const location = await openUpload(registry, 'app');
  expect(location.search).not.toBe('');
  const first = await sendChunk(location, whole.subarray(0, 5 * MiB), 0);
  expect([first.status, first.headers.get('range')]).toEqual([201, `0-${5 * MiB - 1}`]);
  expect(first.headers.get('location')).toMatch(/^http:/);
  const second = await sendChunk(locationOf(first, registry), whole.subarray(5 * MiB, 10 * MiB), 5 * MiB);
  expect([second.status, second.headers.get('range')]).toEqual([201, `0-${5 * MiB - 1}`]);
  expect((await completeUpload(location, digestOf(whole), whole.subarray(10 * MiB))).status).toBe(201);
});

test('rejects chunks under 5 MiB, except the last, and over 20 MiB', async () => {
  const registry = await startForTest({ ecr: true });
  registry.createRepository('app');
  const small = Buffer.alloc(5 * MiB - 1);
  const location = await openUpload(registry, 'app');
  expect((await sendChunk(location, small, 0)).status).toBe(201);
  const next = await sendChunk(location, Buffer.alloc(8), small.length);
  expect(await errorOf(next)).toEqual([400, 'BLOB_UPLOAD_INVALID']);
  const large = await sendChunk(await openUpload(registry, 'app'), Buffer.alloc(20 * MiB + 1), 0);
  expect(await errorOf(large)).toEqual([413, 'SIZE_INVALID']);
});

test('accepts a monolithic upload of any size', async () => {
  const registry = await startForTest({ ecr: true });
  registry.createRepository('app');
  const blob = Buffer.alloc(21 * MiB);
  expect((await completeUpload(await openUpload(registry, 'app'), digestOf(blob), blob)).status).toBe(201);
});

test('mounts only blobs that a manifest refers to', async () => {
  const registry = await startForTest({ ecr: true });
  const { layer } = await seedImage(registry, 'base', 'v1');
  const loose = await registry.putBlob('base', Buffer.from('loose'));
  registry.createRepository('app');
  const mount = async (digest: string) =>
    (await fetch(`${registry.url}/v2/app/blobs/uploads/?mount=${digest}&from=base`, { method: 'POST' })).status;
  expect(await mount(layer)).toBe(201);
  expect(await mount(loose)).toBe(202);
});

test('deletes the referrers of a deleted image', async () => {
  const registry = await startForTest({ ecr: true });
  const image = await seedImage(registry, 'app', 'v1');
  const subject = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: image.digest, size: image.manifest.length };
  const referrer = await seedImage(registry, 'app', undefined, 'referrer', { subject });
  await fetch(`${registry.url}/v2/app/manifests/${image.digest}`, { method: 'DELETE' });
  expect(registry.manifest('app', referrer.digest)).toBeUndefined();
});
