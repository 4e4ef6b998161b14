import { smallImage } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository, pushBlobs } from '../fixtures/opened-repository.ts';
import { openScriptedRepository } from '../fixtures/scripted-registry.ts';

test('deletes a tag, a manifest with its tags, and a blob', async () => {
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

test('rejects with NOT_FOUND for missing content, and UNSUPPORTED if the registry cannot delete', async () => {
  const { repository } = await openTestRepository();
  await expect(repository.delete('v1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const undeletable = await openScriptedRepository((_, response) => response.writeHead(405).end());
  await expect(undeletable.repository.delete('v1')).rejects.toMatchObject({ code: 'UNSUPPORTED', status: 405 });
});
