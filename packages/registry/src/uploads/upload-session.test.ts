import { MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { contentOf, streamOf } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, requestLines } from '../fixtures/opened-repository.ts';
import { openScriptedRepository } from '../fixtures/scripted-registry.ts';

const blob = contentOf(MEDIA_TYPE_OCI_LAYER_GZIP, 'a blob of two repositories');
const uploads = '/v2/team/app/blobs/uploads';

test('mounts a blob of another repository in one request', async () => {
  const { repository, server } = await openTestRepository();
  await server.putBlob('team/base', blob.bytes);
  expect(await repository.mount(blob.descriptor, 'team/base')).toBe(true);
  expect(requestLines(server)).toEqual([`POST ${uploads}/ 201`]);
  expect(await repository.exists(blob.descriptor)).toBe(true);
});

test('pushes a blob that was not mounted into the upload that the registry opened', async () => {
  const { repository, server } = await openTestRepository();
  expect(await repository.mount(blob.descriptor, 'team/base')).toBe(false);
  await repository.push(blob.descriptor, streamOf(blob.bytes));
  expect(server.requests.map(({ method }) => method).join(' ')).toBe('POST PUT');
  expect(await repository.exists(blob.descriptor)).toBe(true);
});

test('pushes a blob normally if the registry rejects the mount', async () => {
  const { repository, lines } = await openScriptedRepository((request, response) => {
    if (request.url?.includes('mount=')) response.writeHead(403).end();
    else if (request.method === 'POST') response.writeHead(202, { location: `${uploads}/1` }).end();
    else response.writeHead(request.method === 'HEAD' ? 404 : 201).end();
  });
  expect(await repository.mount(blob.descriptor, 'team/base')).toBe(false);
  await repository.push(blob.descriptor, blob.bytes);
  expect(lines.map((line) => line.split(' ')[0]).join(' ')).toBe('POST HEAD POST PUT');
});
