import { digestOf, MEDIA_TYPE_OCI_IMAGE_INDEX, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { expect, test } from 'vitest';
import { makeManifest, pushManifest, putIndex, seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/running.ts';
import { refusalOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

const get = (registry: TestRegistry, reference: string, accept?: string, method = 'GET') =>
  fetch(`${registry.url}/v2/app/manifests/${reference}`, {
    method,
    ...(accept !== undefined && { headers: { accept } }),
  });

test('a manifest is read by tag and by digest, byte for byte', async () => {
  const registry = await startForTest();
  const image = await seedImage(registry, 'app', 'v1');
  for (const reference of ['v1', image.digest]) {
    const answer = await get(registry, reference);
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(image.manifest);
    expect(answer.headers.get('content-type')).toBe(MEDIA_TYPE_OCI_IMAGE_MANIFEST);
    expect(answer.headers.get('docker-content-digest')).toBe(image.digest);
  }
  const head = await get(registry, 'v1', undefined, 'HEAD');
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(image.manifest.length)]);
});

test('it is there only for who accepts its type', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const status = async (accept: string) => (await get(registry, 'v1', accept)).status;
  expect(await status(`${MEDIA_TYPE_OCI_IMAGE_INDEX}, ${MEDIA_TYPE_OCI_IMAGE_MANIFEST};q=0.5`)).toBe(200);
  expect(await status('application/*')).toBe(200);
  expect(await status('*/*')).toBe(200);
  expect(await status(MEDIA_TYPE_OCI_IMAGE_INDEX)).toBe(404);
  expect(await status(`${MEDIA_TYPE_OCI_IMAGE_MANIFEST};q=0`)).toBe(404);
});

test('a push answers with the digest', async () => {
  const registry = await startForTest();
  const { manifest, digest } = await seedImage(registry, 'app', 'v1');
  const answer = await pushManifest(registry, 'app', 'v2', manifest);
  expect(answer.status).toBe(201);
  expect(answer.headers.get('docker-content-digest')).toBe(digest);
  expect(answer.headers.get('location')).toBe(`/v2/app/manifests/${digest}`);
  expect(answer.headers.get('oci-subject')).toBeNull();
  expect(registry.tags('app')).toEqual(['v1', 'v2']);
});

test('by digest it must be that digest', async () => {
  const registry = await startForTest();
  const { manifest } = await seedImage(registry, 'app', 'v1');
  const answer = await pushManifest(registry, 'app', `sha256:${'0'.repeat(64)}`, manifest);
  expect(await refusalOf(answer)).toEqual([400, 'DIGEST_INVALID']);
});

test('what it names must be there, at the size it says', async () => {
  const registry = await startForTest();
  const { config } = await seedImage(registry, 'app', 'v1');
  const missing = makeManifest(Buffer.from('{}'), [Buffer.from('not here')]);
  expect(await refusalOf(await pushManifest(registry, 'app', 'v2', missing))).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
  const wrongSize = Buffer.from(makeManifest(Buffer.from('{}'), []).toString().replace('"size":2', '"size":3'));
  expect(wrongSize.includes(config)).toBe(true);
  expect(await refusalOf(await pushManifest(registry, 'app', 'v2', wrongSize))).toEqual([400, 'MANIFEST_INVALID']);
  const child = { digest: `sha256:${'1'.repeat(64)}`, manifest: Buffer.from('{}') };
  await expect(putIndex(registry, 'app', 'v2', [{ config, layer: config, totalSize: 2, ...child }])).rejects.toThrow(
    /400.*MANIFEST_BLOB_UNKNOWN/,
  );
  expect(registry.tags('app')).toEqual(['v1']);
});

test('a layer that may not be distributed may be missing', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const manifest = makeManifest(Buffer.from('{}'), [Buffer.from('elsewhere')]);
  const foreign = Buffer.from(manifest.toString().replace('layer.v1.tar', 'layer.nondistributable.v1.tar'));
  expect((await pushManifest(registry, 'app', 'v2', foreign)).status).toBe(201);
});

test('a subject may be missing, and is confirmed', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const subject = { mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, digest: `sha256:${'2'.repeat(64)}`, size: 7 };
  const answer = await pushManifest(registry, 'app', 'about', makeManifest(Buffer.from('{}'), [], { subject }));
  expect([answer.status, answer.headers.get('oci-subject')]).toEqual([201, subject.digest]);
  const without = await startForTest({ referrers: false });
  await seedImage(without, 'app', 'v1');
  const old = await pushManifest(without, 'app', 'about', makeManifest(Buffer.from('{}'), [], { subject }));
  expect([old.status, old.headers.get('oci-subject')]).toEqual([201, null]);
});

test.each([
  ['no JSON', '<html>', MEDIA_TYPE_OCI_IMAGE_MANIFEST],
  ['an index by another name', '{"schemaVersion":2,"manifests":[]}', MEDIA_TYPE_OCI_IMAGE_MANIFEST],
  ['a type of its own', '{"schemaVersion":2}', 'application/json'],
  [
    'another type than it says',
    `{"schemaVersion":2,"mediaType":"${MEDIA_TYPE_OCI_IMAGE_INDEX}","manifests":[]}`,
    MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  ],
])('what is no manifest is refused: %s', async (_what, text, mediaType) => {
  const registry = await startForTest();
  const answer = await pushManifest(registry, 'app', 'v1', Buffer.from(text), mediaType);
  expect(await refusalOf(answer)).toEqual([400, 'MANIFEST_INVALID']);
});

test('a manifest of 4 MiB is taken, one of a byte more is not', async () => {
  const registry = await startForTest();
  await seedImage(registry, 'app', 'v1');
  const filled = (size: number) => {
    const empty = makeManifest(Buffer.from('{}'), [], { annotations: { filling: '' } });
    return makeManifest(Buffer.from('{}'), [], { annotations: { filling: 'x'.repeat(size - empty.length) } });
  };
  expect((await pushManifest(registry, 'app', 'large', filled(4_194_304))).status).toBe(201);
  const answer = await pushManifest(registry, 'app', 'larger', filled(4_194_305));
  expect(await refusalOf(answer)).toEqual([413, 'SIZE_INVALID']);
});

test('one whose length nobody says is refused as soon as it is too long', async () => {
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
  const answer = await fetch(`${registry.url}/v2/app/manifests/v1`, request);
  expect(await refusalOf(answer)).toEqual([413, 'SIZE_INVALID']);
});

test('a tag is taken away alone, a manifest with its tags', async () => {
  const registry = await startForTest();
  const { manifest, digest } = await seedImage(registry, 'app', 'v1');
  await pushManifest(registry, 'app', 'v2', manifest);
  expect((await get(registry, 'v1', undefined, 'DELETE')).status).toBe(202);
  expect(await refusalOf(await get(registry, 'v1'))).toEqual([404, 'MANIFEST_UNKNOWN']);
  expect((await get(registry, digest)).status).toBe(200);
  expect((await get(registry, digest, undefined, 'DELETE')).status).toBe(202);
  expect(registry.tags('app')).toEqual([]);
  expect((await get(registry, digest, undefined, 'DELETE')).status).toBe(404);
});

test('what a test puts in is not looked at', async () => {
  const registry = await startForTest();
  const lie = `sha256:${'3'.repeat(64)}`;
  expect(registry.putManifest('app', lie, MEDIA_TYPE_OCI_IMAGE_MANIFEST, Buffer.from('not this'))).toBe(lie);
  expect(await (await get(registry, lie)).text()).toBe('not this');
  const bytes = Buffer.from('{"schemaVersion":2}');
  expect(registry.putManifest('app', 'v1', 'text/plain', bytes)).toBe(digestOf(bytes));
  expect(registry.manifest('app', 'v1')).toMatchObject({ mediaType: 'text/plain', digest: digestOf(bytes) });
  expect(registry.manifest('nowhere', 'v1')).toBeUndefined();
});
