import { setTimeout } from 'node:timers/promises';
import { digestOf, MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { makeManifest, pushManifest, putIndex, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';
import { errorOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

const get = (registry: TestRegistry, reference: string, accept?: string, method = 'GET') =>
  fetch(`${registry.url}/v2/app/manifests/${reference}`, {
    method,
    ...(accept !== undefined && { headers: { accept } }),
  });

test('serves a manifest unchanged by tag and by digest', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  for (const reference of ['v1', image.digest]) {
    const response = await get(registry, reference);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(image.manifest);
    expect(response.headers.get('content-type')).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
    expect(response.headers.get('docker-content-digest')).toBe(image.digest);
  }
  const head = await get(registry, 'v1', undefined, 'HEAD');
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(image.manifest.length)]);
});

test('responds with 404 unless Accept allows the media type', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const status = async (accept: string) => (await get(registry, 'v1', accept)).status;
  expect(await status(`${MEDIA_TYPE_OCI_IMAGE_INDEX}, ${MEDIA_TYPE_OCI_IMAGE_MANIFEST};q=0.5`)).toBe(200);
  expect(await status('application/*')).toBe(200);
  expect(await status('*/*')).toBe(200);
  expect(await status(MEDIA_TYPE_OCI_IMAGE_INDEX)).toBe(404);
  expect(await status(`${MEDIA_TYPE_OCI_IMAGE_MANIFEST};q=0`)).toBe(404);
});

test('responds to a push with the digest', async () => {
  const registry = await startForTest();
  const { manifest, digest } = await seedImage(registry, 'app', 'v1');
  const response = await pushManifest(registry, 'app', 'v2', manifest);
  expect(response.status).toBe(201);
  expect(response.headers.get('docker-content-digest')).toBe(digest);
  expect(response.headers.get('location')).toBe(`/v2/app/manifests/${digest}`);
  expect(response.headers.get('oci-subject')).toBeNull();
  expect(registry.tags('app')).toEqual(['v1', 'v2']);
});

test('rejects a manifest pushed under another digest', async () => {
  const registry = await startForTest();
  const { manifest } = await seedImage(registry, 'app', 'v1');
  const response = await pushManifest(registry, 'app', `sha256:${'0'.repeat(64)}`, manifest);
  expect(await errorOf(response)).toEqual([400, 'DIGEST_INVALID']);
});

test('rejects a manifest that refers to missing content or states a wrong size', async () => {
  const registry = await startForTest();
  const { config } = await seedImage(registry, 'app', 'v1');
  const missing = makeManifest(Buffer.from('{}'), [Buffer.from('not here')]);
  expect(await errorOf(await pushManifest(registry, 'app', 'v2', missing))).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
  const wrongSize = Buffer.from(makeManifest(Buffer.from('{}'), []).toString().replace('"size":2', '"size":3'));
  expect(wrongSize.includes(config)).toBe(true);
  expect(await errorOf(await pushManifest(registry, 'app', 'v2', wrongSize))).toEqual([400, 'MANIFEST_INVALID']);
  const child = { digest: `sha256:${'1'.repeat(64)}`, manifest: Buffer.from('{}') };
  await expect(putIndex(registry, 'app', 'v2', [{ config, layer: config, totalSize: 2, ...child }])).rejects.toThrow(
    /400.*MANIFEST_BLOB_UNKNOWN/,
  );
  expect(registry.tags('app')).toEqual(['v1']);
});

test('accepts a missing non-distributable layer', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const manifest = makeManifest(Buffer.from('{}'), [Buffer.from('elsewhere')]);
  const foreign = Buffer.from(manifest.toString().replace('layer.v1.tar', 'layer.nondistributable.v1.tar'));
  expect((await pushManifest(registry, 'app', 'v2', foreign)).status).toBe(201);
});

test('accepts a missing subject, and acknowledges it', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const subject = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: `sha256:${'2'.repeat(64)}`, size: 7 };
  const response = await pushManifest(registry, 'app', 'about', makeManifest(Buffer.from('{}'), [], { subject }));
  expect([response.status, response.headers.get('oci-subject')]).toEqual([201, subject.digest]);
  const without = await startForTest({ referrers: false });
  await seedImage(without, 'app', 'v1');
  const old = await pushManifest(without, 'app', 'about', makeManifest(Buffer.from('{}'), [], { subject }));
  expect([old.status, old.headers.get('oci-subject')]).toEqual([201, null]);
});

test.each([
  ['not JSON', '<html>', MEDIA_TYPE_OCI_IMAGE_MANIFEST],
  ['an index with the media type of a manifest', '{"schemaVersion":2,"manifests":[]}', MEDIA_TYPE_OCI_IMAGE_MANIFEST],
  ['an unknown media type', '{"schemaVersion":2}', 'application/json'],
  [
    'a media type that differs from its own',
    `{"schemaVersion":2,"mediaType":"${MEDIA_TYPE_OCI_IMAGE_INDEX}","manifests":[]}`,
    MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  ],
])('rejects an invalid manifest: %s', async (_what, text, mediaType) => {
  const registry = await startForTest();
  const response = await pushManifest(registry, 'app', 'v1', Buffer.from(text), mediaType);
  expect(await errorOf(response)).toEqual([400, 'MANIFEST_INVALID']);
});

test('accepts a manifest of 4 MiB, but no larger one', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const filled = (size: number) => {
    const empty = makeManifest(Buffer.from('{}'), [], { annotations: { filling: '' } });
    return makeManifest(Buffer.from('{}'), [], { annotations: { filling: 'x'.repeat(size - empty.length) } });
  };
  expect((await pushManifest(registry, 'app', 'large', filled(4_194_304))).status).toBe(201);
  const response = await pushManifest(registry, 'app', 'larger', filled(4_194_305));
  expect(await errorOf(response)).toEqual([413, 'SIZE_INVALID']);
});

test('rejects a manifest without Content-Length as soon as it is too large', async () => {
  const registry = await startForTest();
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)), // endless
  });
  const request = {
    method: 'PUT',
    headers: { 'content-type': MEDIA_TYPE_OCI_IMAGE_MANIFEST },
    body,
    duplex: 'half' as const,
  };
  const response = await fetch(`${registry.url}/v2/app/manifests/v1`, request);
  expect(await errorOf(response)).toEqual([413, 'SIZE_INVALID']);
});

test('deletes a single tag, or a manifest with its tags', async () => {
  const registry = await startForTest();
  const { manifest, digest } = await seedImage(registry, 'app', 'v1');
  await pushManifest(registry, 'app', 'v2', manifest);
  expect((await get(registry, 'v1', undefined, 'DELETE')).status).toBe(202);
  expect(await errorOf(await get(registry, 'v1'))).toEqual([404, 'MANIFEST_UNKNOWN']);
  expect((await get(registry, digest)).status).toBe(200);
  expect((await get(registry, digest, undefined, 'DELETE')).status).toBe(202);
  expect(registry.tags('app')).toEqual([]);
  expect((await get(registry, digest, undefined, 'DELETE')).status).toBe(404);
});

test('putManifest does not validate', async () => {
  const registry = await startForTest();
  const wrongDigest = `sha256:${'3'.repeat(64)}`;
  expect(registry.putManifest('app', wrongDigest, MEDIA_TYPE_OCI_IMAGE_MANIFEST, Buffer.from('not this'))).toBe(
    wrongDigest,
  );
  expect(await (await get(registry, wrongDigest)).text()).toBe('not this');
  const bytes = Buffer.from('{"schemaVersion":2}');
  expect(registry.putManifest('app', 'v1', 'text/plain', bytes)).toBe(digestOf(bytes));
  expect(registry.manifest('app', 'v1')).toMatchObject({ mediaType: 'text/plain', digest: digestOf(bytes) });
  expect(registry.manifest('nowhere', 'v1')).toBeUndefined();
});

test('limits the rate of manifest pushes', async () => {
  const registry = await startForTest({ putRate: 2 });
  const { manifest } = await seedImage(registry, 'app', 'v1');
  const statuses: number[] = [];
  for (let i = 0; i < 20; i++) statuses.push((await pushManifest(registry, 'app', `v${i}`, manifest)).status);
  expect(statuses[0]).toBe(201);
  expect(statuses).toContain(429);
  expect(await errorOf(await retryUntil(429, () => pushManifest(registry, 'app', 'x', manifest)))).toEqual([
    429,
    'TOOMANYREQUESTS',
  ]);
  await setTimeout(600);
  expect((await pushManifest(registry, 'app', 'later', manifest)).status).toBe(201);
});

/** Repeats a request until it is answered with `status`. */
async function retryUntil(status: number, send: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const response = await send();
    if (response.status === status) return response;
  }
}
