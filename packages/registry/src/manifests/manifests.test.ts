import {
  digestOf,
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  parseManifest,
  readVerified,
} from '@soci/oci';
import { collect, contentOf, smallImage } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, requestLines } from '../fixtures/opened-repository.ts';
import { openScriptedRepository } from '../fixtures/scripted-registry.ts';

const { manifest } = smallImage();
const digest = manifest.descriptor.digest;

/** Opens a repository of a registry that responds to every request with this manifest. */
function openFixedResponse(body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) {
  return openScriptedRepository((_, response) => {
    response.writeHead(200, { 'content-type': MEDIA_TYPE_OCI_IMAGE_MANIFEST, ...headers }).end(body);
  });
}

test('accepts every supported manifest type, and any other', async () => {
  let accept: string | undefined;
  const { repository } = await openScriptedRepository((request, response) => {
    accept = request.headers.accept;
    response.writeHead(200, { 'content-type': MEDIA_TYPE_OCI_IMAGE_MANIFEST }).end(manifest.bytes);
  });
  await repository.resolve('v1');
  expect(accept).toBe(
    'application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, ' +
      'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*',
  );
});

test('rejects with NOT_FOUND and the message of the registry for missing content', async () => {
  const { repository, server } = await openTestRepository();
  const message = expect.stringMatching(
    / has no repository team\/app: GET http.*\/v2\/team\/app\/manifests\/v1 .*status 404.*NAME_UNKNOWN/,
  );
  await expect(repository.resolve('v1')).rejects.toMatchObject({ name: 'OciError', code: 'NOT_FOUND', message });
  server.putManifest('team/app', 'v1', MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest.bytes);
  await expect(repository.resolve('v2')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('MANIFEST_UNKNOWN'),
  });
  expect(await repository.exists(manifest.descriptor)).toBe(true);
  expect(await repository.exists({ ...manifest.descriptor, size: 1 })).toBe(false);
});

test('computes the digest if the registry does not send it', async () => {
  const { repository } = await openFixedResponse(manifest.bytes);
  expect(await repository.resolve('v1')).toEqual(manifest.descriptor);
});

test('requests and verifies the digest of the header if the bytes have another one', async () => {
  const other = contentOf(MEDIA_TYPE_OCI_IMAGE_MANIFEST, {
    ...JSON.parse(new TextDecoder().decode(manifest.bytes)),
    annotations: {},
  });
  const { repository, lines } = await openScriptedRepository((request, response) => {
    const isTag = request.url?.endsWith('/v1') === true;
    response
      .writeHead(200, {
        'content-type': MEDIA_TYPE_OCI_IMAGE_MANIFEST,
        'docker-content-digest': other.descriptor.digest,
      })
      .end(isTag ? manifest.bytes : other.bytes);
  });
  expect(await repository.resolve('v1')).toEqual(other.descriptor);
  expect(lines).toEqual(['GET /v2/team/app/manifests/v1', `GET /v2/team/app/manifests/${other.descriptor.digest}`]);
});

test('rejects a manifest that repeatedly does not match the digest header', async () => {
  const { repository, server } = await openTestRepository();
  server.putManifest('team/app', 'v1', MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest.bytes);
  server.inject({ times: 9, fault: { kind: 'wrong-digest-header' } });
  await expect(repository.resolve('v1')).rejects.toMatchObject({ name: 'OciError' });

  const mismatching = await openFixedResponse(manifest.bytes, { 'docker-content-digest': digestOf(new Uint8Array()) });
  await expect(mismatching.repository.resolve('v1')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  const malformed = await openFixedResponse(manifest.bytes, { 'docker-content-digest': 'md5:0' });
  await expect(malformed.repository.resolve('v1')).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
});

test.each([
  ['SIZE_MISMATCH', contentOf('', 'something else').bytes],
  ['DIGEST_MISMATCH', manifest.bytes.slice().fill(32, 5, 6)],
])('rejects a manifest with wrong content: %s', async (code, bytes) => {
  const { repository, server } = await openTestRepository();
  server.putManifest('team/app', digest, MEDIA_TYPE_OCI_IMAGE_MANIFEST, bytes);
  await expect(collect(repository.fetch(manifest.descriptor))).rejects.toMatchObject({ name: 'OciError', code });
});

test('rejects a manifest whose digest differs from the requested one', async () => {
  const { repository } = await openFixedResponse(smallImage('another layer').manifest.bytes);
  await expect(repository.resolve(digest)).rejects.toMatchObject({ name: 'OciError', code: 'DIGEST_MISMATCH' });
});

test('retries a response that breaks off', async () => {
  const { repository, server } = await openTestRepository();
  server.putManifest('team/app', 'v1', MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest.bytes);
  server.inject({ fault: { kind: 'reset', afterBytes: 10 } });
  expect(await repository.resolve('v1')).toEqual(manifest.descriptor);
  expect(server.requests).toHaveLength(2);
});

test.each([
  ['its Content-Type and mediaType differ', manifest.bytes, MEDIA_TYPE_OCI_IMAGE_INDEX, 'MANIFEST_INVALID'],
  [
    'its Content-Type and mediaType differ in the family',
    manifest.bytes,
    MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
    'MANIFEST_INVALID',
  ],
  [
    'it is both an image manifest and an index',
    '{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}',
    MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    'MANIFEST_INVALID',
  ],
  ['it has schema version 1', '{"schemaVersion":1,"fsLayers":[]}', 'application/json', 'MANIFEST_INVALID'],
  ['it is not JSON', 'not JSON', MEDIA_TYPE_OCI_IMAGE_MANIFEST, 'MANIFEST_INVALID'],
  ['it is HTML', '<html>log in</html>', 'text/html; charset=utf-8', 'RESPONSE_INVALID'],
  ['it has 4 MiB and a byte', ' '.repeat(4_194_305), MEDIA_TYPE_OCI_IMAGE_MANIFEST, 'LIMIT_EXCEEDED'],
])('rejects a manifest if %s', async (_, body, type, code) => {
  const { repository } = await openFixedResponse(body, { 'content-type': type });
  const message = expect.stringMatching(/^GET http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/manifests\/v1: /);
  await expect(repository.resolve('v1')).rejects.toMatchObject({ code, message });
});

test('uses the media type of the response or the structure if the manifest has none', async () => {
  const { mediaType: _, ...bare } = JSON.parse(new TextDecoder().decode(manifest.bytes));
  const body = JSON.stringify(bare);
  for (const [type, mediaType] of [
    [MEDIA_TYPE_DOCKER_IMAGE_MANIFEST, MEDIA_TYPE_DOCKER_IMAGE_MANIFEST],
    ['application/json', MEDIA_TYPE_OCI_IMAGE_MANIFEST],
  ] as const) {
    const { repository } = await openFixedResponse(body, { 'content-type': type });
    expect(await repository.resolve('v1')).toMatchObject({ mediaType });
  }
});

test('rejects a manifest with 100,000 layers', async () => {
  const layer = { mediaType: 'application/x', digest, size: 1 };
  const layers = Array.from({ length: 30_000 }, () => layer);
  const many = contentOf(MEDIA_TYPE_OCI_IMAGE_MANIFEST, { schemaVersion: 2, config: layer, layers });
  const { repository } = await openFixedResponse(many.bytes);
  const raw = await readVerified(repository, await repository.resolve('v1'));
  expect(() => parseManifest(raw)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));

  const hundredThousand = JSON.stringify({ schemaVersion: 2, config: layer, layers: Array(100_000).fill(layer) });
  const other = await openFixedResponse(hundredThousand);
  await expect(other.repository.resolve('v1')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});

test('does not request a manifest that is too large according to its descriptor', async () => {
  const { repository, server } = await openTestRepository();
  const target = { ...manifest.descriptor, size: 4_194_305 };
  await expect(collect(repository.fetch(target))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expect(requestLines(server)).toEqual([]);
});

test('returns ranges of verified manifests in separate memory', async () => {
  const { repository, server } = await openTestRepository();
  server.putManifest('team/app', 'v1', MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest.bytes);
  const { descriptor } = manifest;
  const part = await repository.fetchRange(descriptor, { offset: 2, length: 13 });
  expect(new TextDecoder().decode(part)).toBe('schemaVersion');
  part.fill(0);
  (await collect(repository.fetch(descriptor))).at(0)?.fill(0);
  expect(await readVerified(repository, descriptor)).toEqual(new Uint8Array(manifest.bytes));
  for (const range of [
    { offset: descriptor.size, length: 1 },
    { offset: -1, length: 1 },
    { offset: 0.5, length: 1 },
  ]) {
    await expect(repository.fetchRange(descriptor, range)).rejects.toMatchObject({ code: 'RANGE_INVALID' });
  }
});

test('rejects every call with the reason of an aborted signal', async () => {
  const { repository, server } = await openTestRepository();
  server.putManifest('team/app', 'v1', MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest.bytes);
  const target = await repository.resolve('v1');
  const reason = new Error('aborted');
  const options = { signal: AbortSignal.abort(reason) };
  server.clearRequests();
  for (const call of [
    repository.resolve('v1', options),
    collect(repository.fetch(target, options)),
    repository.exists(target, options),
    repository.push(target, manifest.bytes, options),
    repository.pushManifest(target, manifest.bytes, options),
    repository.tag(target, 'v2', options),
    collect(repository.tags(options)),
    collect(repository.referrers(target, undefined, options)),
    repository.mount(smallImage().blobs[0]?.descriptor ?? target, 'team/base', options),
    repository.delete(target, options),
  ]) {
    await expect(call).rejects.toBe(reason);
  }
  expect(requestLines(server)).toEqual([]);
});

const wrongDigest = `sha256:${'0'.repeat(64)}`;
const damaged = Buffer.from(manifest.bytes).fill(0, 5, 6);

test.each([
  ['a wrong byte, by tag', 'v1', damaged, digest, 2],
  ['a wrong byte, by digest', digest, damaged, digest, 2],
  ['a wrong digest header', 'v1', manifest.bytes, wrongDigest, 3],
])('reads a manifest again after %s', async (_title, reference, body, header, requests) => {
  let isRepeated = false;
  const { repository, lines } = await openScriptedRepository((request, response) => {
    if (request.url?.endsWith(wrongDigest)) return void response.writeHead(404).end();
    const headers = { 'content-type': MEDIA_TYPE_OCI_IMAGE_MANIFEST };
    response.writeHead(200, { ...headers, 'docker-content-digest': isRepeated ? digest : header });
    response.end(isRepeated ? manifest.bytes : body);
    isRepeated = true;
  });
  expect(await repository.resolve(reference)).toEqual(manifest.descriptor);
  expect(lines).toHaveLength(requests);
});

test('names both reads if a manifest is wrong twice', async () => {
  const { repository, lines } = await openFixedResponse(damaged);
  const rejection = {
    code: 'DIGEST_MISMATCH',
    message: expect.stringMatching(/has the digest sha256:\w+.* \(in both reads\)$/),
  };
  await expect(repository.resolve(digest)).rejects.toMatchObject(rejection);
  await expect(readVerified(repository, manifest.descriptor)).rejects.toMatchObject(rejection);
  expect(lines).toHaveLength(4);
});
