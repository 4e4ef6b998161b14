import { digestOf, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { makeManifest, pushManifest, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/running.ts';
import { beginUpload, endUpload, locationOf, refusalOf, sendPart } from '../fixtures/upload.ts';

const MiB = 1 << 20;

test('a repository is made before it is pushed to', async () => {
  const registry = await startForTest({ ecr: true });
  const post = () => fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: 'POST' });
  expect(await refusalOf(await post())).toEqual([404, 'NAME_UNKNOWN']);
  registry.createRepository('app');
  expect((await post()).status).toBe(202);
});

test('a manifest with an artifact type of its own is refused', async () => {
  const registry = await startForTest({ ecr: true });
  await seedImage(registry, 'app', 'v1');
  const manifest = makeManifest(Buffer.from('{}'), [], { artifactType: 'text/a' });
  const answer = await pushManifest(registry, 'app', 'v2', manifest);
  expect(answer.status).toBe(405);
  expect(await answer.json()).toMatchObject({
    errors: [
      {
        code: 'UNSUPPORTED',
        message: "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
      },
    ],
  });
});

test('an immutable tag is refused even to the image that has it', async () => {
  const registry = await startForTest({ ecr: true, immutableTags: true });
  const { manifest } = await seedImage(registry, 'app', 'v1');
  const answer = await pushManifest(registry, 'app', 'v1', manifest);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    errors: [
      { code: 'TAG_INVALID', message: expect.stringMatching(/^The image tag 'v1' already exists in the 'app'/) },
    ],
  });
});

test('elsewhere an immutable tag is refused to another image only', async () => {
  const registry = await startForTest({ immutableTags: true });
  const { manifest } = await seedImage(registry, 'app', 'v1');
  expect((await pushManifest(registry, 'app', 'v1', manifest)).status).toBe(201);
  await expect(seedImage(registry, 'app', 'v1', 'another')).rejects.toThrow(/400.*TAG_INVALID/);
  expect((await pushManifest(registry, 'app', 'v2', manifest)).status).toBe(201);
});

test('parts are answered with 201, and a range that stays', async () => {
  const registry = await startForTest({ ecr: true });
  registry.createRepository('app');
  const whole = Buffer.alloc(11 * MiB, 'part');
  const location = await beginUpload(registry, 'app');
  expect(location.search).not.toBe('');
  const first = await sendPart(location, whole.subarray(0, 5 * MiB), 0);
  expect([first.status, first.headers.get('range')]).toEqual([201, `0-${5 * MiB - 1}`]);
  expect(first.headers.get('location')).toMatch(/^http:/);
  const second = await sendPart(locationOf(first, registry), whole.subarray(5 * MiB, 10 * MiB), 5 * MiB);
  expect([second.status, second.headers.get('range')]).toEqual([201, `0-${5 * MiB - 1}`]);
  expect((await endUpload(location, digestOf(whole), whole.subarray(10 * MiB))).status).toBe(201);
});

test('a part is not smaller than 5 MiB, but for the last, and not larger than 20', async () => {
  const registry = await startForTest({ ecr: true });
  registry.createRepository('app');
  const small = Buffer.alloc(5 * MiB - 1);
  const location = await beginUpload(registry, 'app');
  expect((await sendPart(location, small, 0)).status).toBe(201);
  const next = await sendPart(location, Buffer.alloc(8), small.length);
  expect(await refusalOf(next)).toEqual([400, 'BLOB_UPLOAD_INVALID']);
  const large = await sendPart(await beginUpload(registry, 'app'), Buffer.alloc(20 * MiB + 1), 0);
  expect(await refusalOf(large)).toEqual([413, 'SIZE_INVALID']);
});

test('a blob of any size goes in one piece', async () => {
  const registry = await startForTest({ ecr: true });
  registry.createRepository('app');
  const blob = Buffer.alloc(21 * MiB);
  expect((await endUpload(await beginUpload(registry, 'app'), digestOf(blob), blob)).status).toBe(201);
});

test('only what a manifest refers to is mounted', async () => {
  const registry = await startForTest({ ecr: true });
  const { layer } = await seedImage(registry, 'base', 'v1');
  const loose = await registry.putBlob('base', Buffer.from('loose'));
  registry.createRepository('app');
  const mount = async (digest: string) =>
    (await fetch(`${registry.url}/v2/app/blobs/uploads/?mount=${digest}&from=base`, { method: 'POST' })).status;
  expect(await mount(layer)).toBe(201);
  expect(await mount(loose)).toBe(202);
});

test('what refers to an image is deleted with it', async () => {
  const registry = await startForTest({ ecr: true });
  const image = await seedImage(registry, 'app', 'v1');
  const subject = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: image.digest, size: image.manifest.length };
  const about = await seedImage(registry, 'app', undefined, 'about', { subject });
  await fetch(`${registry.url}/v2/app/manifests/${image.digest}`, { method: 'DELETE' });
  expect(registry.manifest('app', about.digest)).toBeUndefined();
});
