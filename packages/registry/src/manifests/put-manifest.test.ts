import { MEDIA_TYPE_OCI_IMAGE_MANIFEST, MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { contentOf, smallImage, streamOf } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, pushBlobs, requestLines } from '../fixtures/opened-repository.ts';
import { openScriptedRepository, respondJson } from '../fixtures/scripted-registry.ts';

const manifests = '/v2/team/app/manifests';

test('pushes a manifest with a tag in one request, and another tag in one more', async () => {
  const { repository, server } = await openTestRepository();
  const { descriptor, bytes } = await pushBlobs(repository);
  server.clearRequests();
  await repository.pushManifest(descriptor, bytes, { tag: 'v1' });
  await repository.tag(descriptor, 'v2');
  expect(requestLines(server)).toEqual([`PUT ${manifests}/v1 201`, `PUT ${manifests}/v2 201`]);
  expect(server.manifest('team/app', 'v2')).toMatchObject({
    digest: descriptor.digest,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  });
});

test('does not push an existing manifest again', async () => {
  const { repository, server } = await openTestRepository();
  const { descriptor, bytes } = await pushBlobs(repository);
  await repository.push(descriptor, streamOf(bytes, 10));
  server.clearRequests();
  await repository.push(descriptor, bytes);
  expect(requestLines(server)).toEqual([`HEAD ${manifests}/${descriptor.digest} 200`]);
});

test('rejects tagging a missing manifest', async () => {
  const { repository } = await openTestRepository();
  const { descriptor } = await pushBlobs(repository);
  await expect(repository.tag(descriptor, 'v1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('rejects tagging a blob', async () => {
  const { repository } = await openTestRepository();
  const blob = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a blob');
  await expect(repository.pushManifest(blob.descriptor, blob.bytes, { tag: 'v1' })).rejects.toMatchObject({
    code: 'MANIFEST_INVALID',
  });
  await expect(repository.tag(blob.descriptor, 'v1')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
});

test('does not send a manifest that does not match its descriptor', async () => {
  const { repository, server } = await openTestRepository();
  const { descriptor, bytes } = smallImage().manifest;
  const push = (raw: Uint8Array) => repository.pushManifest(descriptor, raw);
  await expect(push(bytes.subarray(1))).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  await expect(push(bytes.slice().fill(0))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  const huge = contentOf(MEDIA_TYPE_OCI_IMAGE_MANIFEST, { padding: ' '.repeat(2 ** 22) });
  await expect(repository.push(huge.descriptor, huge.bytes)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  await expect(repository.push(huge.descriptor, streamOf(huge.bytes))).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
  });
  expect(requestLines(server)).toEqual([]);
});

test('rejects with the message of the registry if a manifest refers to missing content', async () => {
  const { repository } = await openTestRepository();
  const { descriptor, bytes } = smallImage().manifest;
  await expect(repository.pushManifest(descriptor, bytes, { tag: 'v1' })).rejects.toMatchObject({
    name: 'RegistryError',
    code: 'MANIFEST_REFUSED',
    status: 400,
    request: expect.stringMatching(/^PUT http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/manifests\/v1$/),
    refusals: [{ code: 'MANIFEST_BLOB_UNKNOWN', message: expect.stringContaining('sha256:') }],
    message: expect.stringContaining('MANIFEST_BLOB_UNKNOWN'),
  });
});

test('reports 405 of Amazon ECR for a manifest with an artifact type as MANIFEST_REFUSED', async () => {
  const { repository } = await openTestRepository({ ecr: true, autoCreate: true });
  const { bytes } = await pushBlobs(repository);
  const typed = contentOf(MEDIA_TYPE_OCI_IMAGE_MANIFEST, {
    ...JSON.parse(new TextDecoder().decode(bytes)),
    artifactType: 'a/b',
  });
  await expect(repository.push(typed.descriptor, typed.bytes)).rejects.toMatchObject({
    code: 'MANIFEST_REFUSED',
    status: 405,
    message: expect.stringContaining('Invalid JSON syntax'),
  });
});

test.each([{ ecr: true }, { ecr: false }])(
  'accepts setting an immutable tag again, but not moving it (ecr: $ecr)',
  async ({ ecr }) => {
    const { repository, server } = await openTestRepository({ ecr, immutableTags: true, autoCreate: true });
    const first = await pushBlobs(repository);
    const second = await pushBlobs(repository, smallImage('another layer'));
    await repository.pushManifest(first.descriptor, first.bytes, { tag: 'v1' });
    await repository.pushManifest(first.descriptor, first.bytes, { tag: 'v1' });
    await repository.tag(first.descriptor, 'v1');
    await expect(repository.pushManifest(second.descriptor, second.bytes, { tag: 'v1' })).rejects.toMatchObject({
      name: 'RegistryError',
      code: 'TAG_IMMUTABLE',
      status: 400,
      refusals: [{ code: 'TAG_INVALID', message: expect.stringContaining('immutable') }],
      message: expect.stringMatching(
        new RegExp(
          `immutable tag ${server.host}/team/app:v1 refers to ${first.descriptor.digest} .* choose another tag`,
        ),
      ),
    });
    expect(server.manifest('team/app', 'v1')?.digest).toBe(first.descriptor.digest);
  },
);

test('rejects with DIGEST_MISMATCH if the registry stores another manifest', async () => {
  const other = `sha256:${'0'.repeat(64)}`;
  const { repository } = await openScriptedRepository((_, response) =>
    respondJson(response, {}, { 'docker-content-digest': other }, 201),
  );
  const { descriptor, bytes } = smallImage().manifest;
  await expect(repository.pushManifest(descriptor, bytes, { tag: 'v1' })).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining(`stored ${descriptor.digest} as ${other}`),
  });
});

test.each([{ tag: 'v1' }, {}])('reads a manifest back if the response has another digest (%j)', async (options) => {
  const { repository, server } = await openTestRepository();
  const { descriptor, bytes } = await pushBlobs(repository);
  server.clearRequests();
  server.inject({ on: { method: 'PUT' }, fault: { kind: 'wrong-digest-header' } });
  await repository.pushManifest(descriptor, bytes, options);
  expect(server.requests.map(({ method }) => method)).toEqual(['PUT', 'GET']);
  expect(server.manifest('team/app', options.tag ?? descriptor.digest)?.digest).toBe(descriptor.digest);
});

test.each([
  ['201', 201, {}, ''],
  ['200 with the digest', 200, { 'docker-content-digest': smallImage().manifest.descriptor.digest }, ''],
])('accepts %s in response to a manifest', async (_title, status, headers, body) => {
  const { repository } = await openScriptedRepository((_, response) => response.writeHead(status, headers).end(body));
  const { descriptor, bytes } = smallImage().manifest;
  await repository.pushManifest(descriptor, bytes, { tag: 'v1' });
});

test.each([
  ['200 with an HTML page', 200, { 'content-type': 'text/html' }, '<html>Sign in</html>', /200 without .* HTML page/],
  ['200 without a digest', 200, {}, '', /status 200 without the digest of the manifest, expected 201/],
  ['202', 202, {}, '', /status 202, expected 201/],
  ['204', 204, {}, '', /status 204, expected 201/],
])('rejects %s in response to a manifest', async (_title, status, headers, body, message) => {
  const { repository, lines } = await openScriptedRepository((_, response) =>
    response.writeHead(status, headers).end(body),
  );
  const { descriptor, bytes } = smallImage().manifest;
  await expect(repository.pushManifest(descriptor, bytes, { tag: 'v1' })).rejects.toMatchObject({
    code: 'RESPONSE_INVALID',
    message: expect.stringMatching(message),
  });
  expect(lines).toHaveLength(1);
});

test.each([{ tag: 'v1' }, {}])('confirms with one request that a manifest was stored (%j)', async (options) => {
  const { repository, server } = await openTestRepository();
  const { descriptor, bytes } = await pushBlobs(repository);
  server.clearRequests();
  await repository.pushManifest(descriptor, bytes, { ...options, confirm: true });
  const path = `${manifests}/${options.tag ?? descriptor.digest}`;
  expect(requestLines(server)).toEqual([`PUT ${path} 201`, `HEAD ${path} 200`]);
});

const otherDigest = `sha256:${'0'.repeat(64)}`;

test.each([
  ['does not exist', 404, {}, /v1 does not exist after a successful PUT/],
  ['refers to another manifest', 200, { 'docker-content-digest': otherDigest }, /v1 refers to sha256:0+ instead of/],
  ['has another size', 200, { 'content-length': '3' }, /v1 has 3 bytes instead of/],
  ['is an HTML page', 200, { 'content-type': 'text/html' }, /v1 is an HTML page/],
])('rejects a confirmation that shows that the tag %s', async (_title, status, headers, message) => {
  const { repository, lines } = await openScriptedRepository((request, response) => {
    if (request.method === 'PUT') response.writeHead(201).end();
    else response.writeHead(status, headers).end();
  });
  const { descriptor, bytes } = smallImage().manifest;
  await expect(repository.pushManifest(descriptor, bytes, { tag: 'v1', confirm: true })).rejects.toMatchObject({
    code: 'RESPONSE_INVALID',
    message: expect.stringMatching(message),
  });
  expect(lines.slice(1)).toEqual(Array.from({ length: 3 }, () => `HEAD ${manifests}/v1`));
});

test('repeats a confirmation until a registry shows the manifest, and reads it if HEAD is not supported', async () => {
  const { descriptor, bytes } = smallImage().manifest;
  let isVisible = false;
  const { repository, lines } = await openScriptedRepository((request, response) => {
    if (request.method === 'PUT') response.writeHead(201).end();
    else if (request.method === 'GET') response.writeHead(200, { 'content-type': descriptor.mediaType }).end(bytes);
    else response.writeHead(isVisible ? 405 : 404).end();
    if (request.method === 'HEAD') isVisible = true;
  });
  await repository.pushManifest(descriptor, bytes, { tag: 'v1', confirm: true });
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['PUT', 'HEAD', 'HEAD', 'GET']);
});
