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
