import { MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { collect, smallImage } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository } from '../fixtures/opened-repository.ts';
import { openScriptedRepository, respondJson } from '../fixtures/scripted-registry.ts';

test('lists tags of all pages', async () => {
  const { repository, server } = await openTestRepository({ pageSize: 2 });
  const { bytes } = smallImage().manifest;
  for (const tag of ['a', 'b', 'c', 'd', 'e'])
    server.putManifest('team/app', tag, MEDIA_TYPE_OCI_IMAGE_MANIFEST, bytes);
  expect(await collect(repository.tags())).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(server.requests).toHaveLength(3);
});

test('rejects with NOT_FOUND if the repository does not exist', async () => {
  const { repository } = await openTestRepository();
  await expect(collect(repository.tags())).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('treats null as no tags', async () => {
  const { repository } = await openScriptedRepository((_, response) => respondJson(response, { tags: null }));
  expect(await collect(repository.tags())).toEqual([]);
});

test('rejects a loop of pages', async () => {
  const { repository, lines } = await openScriptedRepository((request, response) => {
    const next = request.url?.includes('last=a') ? 'last=b' : 'last=a';
    respondJson(response, { tags: ['a'] }, { link: `</v2/team/app/tags/list?${next}>; rel="next"` });
  });
  await expect(collect(repository.tags())).rejects.toMatchObject({
    code: 'RESPONSE_INVALID',
    message: expect.stringContaining('links to a page that was read before'),
  });
  expect(lines).toHaveLength(3);
});

test('limits the number of pages', async () => {
  let page = 0;
  const { repository, lines } = await openScriptedRepository((_, response) => {
    page += 1;
    respondJson(response, { tags: [] }, { link: `</v2/team/app/tags/list?last=${page}>; rel="next"` });
  });
  await expect(collect(repository.tags())).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: expect.stringContaining('2000 pages'),
  });
  expect(lines).toHaveLength(2000);
});

test('rejects a page on another host', async () => {
  const { repository } = await openScriptedRepository((_, response) =>
    respondJson(response, { tags: [] }, { link: '<https://elsewhere.example/tags>; rel=next' }),
  );
  await expect(collect(repository.tags())).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
});

test.each([
  ['HTML', 'text/html', '<html>log in</html>'],
  ['a list', 'application/json', '[]'],
  ['a tag that is a number', 'application/json', '{"tags":[1]}'],
  ['a tag with a control character', 'application/json', '{"tags":["\\u001b[2J"]}'],
])('rejects a response with %s', async (_, type, body) => {
  const { repository } = await openScriptedRepository((_request, response) => {
    response.writeHead(200, { 'content-type': type }).end(body);
  });
  await expect(collect(repository.tags())).rejects.toMatchObject({
    code: 'RESPONSE_INVALID',
    message: expect.stringMatching(/^GET http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/tags\/list: the response/),
  });
});
