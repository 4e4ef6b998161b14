import { MEDIA_TYPE_OCI_IMAGE_MANIFEST, MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { contentOf, smallImage, streamOf } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, pushBlobs, requestLines } from '../fixtures/opened-repository.ts';
import { answerJson, openScriptedRepository } from '../fixtures/scripted-registry.ts';

const manifests = '/v2/team/app/manifests';

test('a manifest and its tag are one request, and another tag is one more', async () => {
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

test('a manifest that is there is not sent again', async () => {
  const { repository, server } = await openTestRepository();
  const { descriptor, bytes } = await pushBlobs(repository);
  await repository.push(descriptor, streamOf(bytes, 10));
  server.clearRequests();
  await repository.push(descriptor, bytes);
  expect(requestLines(server)).toEqual([`HEAD ${manifests}/${descriptor.digest} 200`]);
});

test('a tag is given to what is there only', async () => {
  const { repository } = await openTestRepository();
  const { descriptor } = await pushBlobs(repository);
  await expect(repository.tag(descriptor, 'v1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a blob bears no name', async () => {
  const { repository } = await openTestRepository();
  const blob = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a blob');
  await expect(repository.pushManifest(blob.descriptor, blob.bytes, { tag: 'v1' })).rejects.toMatchObject({
    code: 'MANIFEST_INVALID',
  });
  await expect(repository.tag(blob.descriptor, 'v1')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
});

test('what does not match its descriptor is not sent', async () => {
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

test("a manifest that names what is missing is refused, in the registry's words", async () => {
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

test("Amazon ECR's 405 for a manifest with an artifact type is a refusal of the manifest", async () => {
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
  'an immutable tag may be written again, but not moved (ecr: $ecr)',
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
        new RegExp(`the tag v1 of ${server.host}/team/app names ${first.descriptor.digest} .* choose another tag`),
      ),
    });
    expect(server.manifest('team/app', 'v1')?.digest).toBe(first.descriptor.digest);
  },
);

test('a registry that makes another manifest of it is told of', async () => {
  const other = `sha256:${'0'.repeat(64)}`;
  const { repository } = await openScriptedRepository((_, response) =>
    answerJson(response, {}, { 'docker-content-digest': other }, 201),
  );
  const { descriptor, bytes } = smallImage().manifest;
  await expect(repository.pushManifest(descriptor, bytes, { tag: 'v1' })).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining(`stored ${descriptor.digest} as ${other}`),
  });
});
