import { smallImage } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, pushBlobs } from '../fixtures/opened-repository.ts';
import { openScriptedRepository } from '../fixtures/scripted-registry.ts';

test('a tag is taken away, a manifest deleted with its tags, a blob too', async () => {
  const { repository, server } = await openTestRepository();
  const image = smallImage();
  const { descriptor, bytes } = await pushBlobs(repository, image);
  for (const tag of ['v1', 'v2', 'v3']) await repository.pushManifest(descriptor, bytes, { tag });
  await repository.delete('v1');
  expect(server.tags('team/app')).toEqual(['v2', 'v3']);
  await repository.delete(descriptor);
  expect(server.tags('team/app')).toEqual([]);
  await expect(repository.resolve(descriptor.digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const [blob] = image.blobs;
  await repository.delete(blob?.descriptor ?? descriptor);
  expect(await repository.exists(blob?.descriptor ?? descriptor)).toBe(false);
});

test('what is not there is NOT_FOUND, and a registry that deletes nothing is told of', async () => {
  const { repository } = await openTestRepository();
  await expect(repository.delete('v1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const fixed = await openScriptedRepository((_, response) => response.writeHead(405).end());
  await expect(fixed.repository.delete('v1')).rejects.toMatchObject({ code: 'UNSUPPORTED', status: 405 });
});
