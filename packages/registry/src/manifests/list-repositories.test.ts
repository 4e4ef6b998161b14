import { collect } from '@soci/test-content';
import { expect, test } from 'vitest';
import { openTestRepository } from '../fixtures/opened-repository.ts';
import { openScriptedRepository, respondJson } from '../fixtures/scripted-registry.ts';

test('lists repositories of all pages', async () => {
  const { client, server } = await openTestRepository({ pageSize: 2 });
  for (const name of ['c', 'a', 'team/b', 'b', 'd']) server.createRepository(name);
  expect(await collect(client.repositories())).toEqual(['a', 'b', 'c', 'd', 'team/b']);
  expect(server.requests).toHaveLength(3);
});

test('gets a token for the list of repositories', async () => {
  const user = { username: 'ann', password: 'secret' };
  const { client, server } = await openTestRepository({ auth: { bearer: { user } } });
  server.createRepository('a');
  expect(await collect(client.repositories())).toEqual(['a']);
});

test.each([404, 405, 501])('says that a registry that responds with %i does not list them', async (status) => {
  const { registry } = await openScriptedRepository((_, response) => respondJson(response, {}, {}, status));
  await expect(collect(registry.repositories())).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/cannot list the repositories of 127.*name the repositories instead/),
  });
});

test('suggests to name the repositories if access is denied', async () => {
  const { registry } = await openScriptedRepository((_, response) => respondJson(response, {}, {}, 403));
  await expect(collect(registry.repositories())).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('name the repositories instead'),
  });
});

test('lists a name twice in the list once, and names that no client can use', async () => {
  const { registry } = await openScriptedRepository((request, response) => {
    const isFirst = !request.url?.includes('last=');
    respondJson(
      response,
      { repositories: isFirst ? ['a', 'a', 'Upper/Case'] : ['a', '..'] },
      isFirst ? { link: '</v2/_catalog?last=a>; rel="next"' } : undefined,
    );
  });
  expect(await collect(registry.repositories())).toEqual(['a', 'Upper/Case', '..']);
  expect(() => registry.repository('..')).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
});

test('treats null as no repositories', async () => {
  const { registry } = await openScriptedRepository((_, response) => respondJson(response, { repositories: null }));
  expect(await collect(registry.repositories())).toEqual([]);
});

test.each([
  ['a name with an escape sequence', { repositories: ['a', '\u001b[2J'] }],
  ['a name with a line break', { repositories: ['a\nb'] }],
  ['an empty name', { repositories: [''] }],
  ['a name with 256 characters', { repositories: ['a'.repeat(256)] }],
  ['a number', { repositories: [1] }],
  ['an object', { repositories: {} }],
  ['a list', ['a']],
])('rejects %s', async (_, body) => {
  const { registry } = await openScriptedRepository((_request, response) => respondJson(response, body));
  await expect(collect(registry.repositories())).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
});

test.each([
  ['a page that was read before', '/v2/_catalog?n=1000'],
  ['a page on another host', 'https://elsewhere.example/v2/_catalog'],
])('rejects a link to %s', async (_, next) => {
  const { registry, lines } = await openScriptedRepository((_request, response) =>
    respondJson(response, { repositories: ['a'] }, { link: `<${next}>; rel="next"` }),
  );
  await expect(collect(registry.repositories())).rejects.toMatchObject({ code: 'RESPONSE_INVALID' });
  expect(lines).toHaveLength(1);
});

test('stops after 500,000 names', async () => {
  const { registry, lines } = await openScriptedRepository((_request, response) => {
    const page = lines.length;
    const repositories = Array.from({ length: 100_000 }, (_name, i) => `r/${page}/${i}`);
    respondJson(response, { repositories }, { link: `</v2/_catalog?last=${page}>; rel="next"` });
  });
  let names = 0;
  const reading = (async () => {
    for await (const _name of registry.repositories()) names += 1;
  })();
  await expect(reading).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: expect.stringContaining('lists more than 500000 repositories'),
  });
  expect([names, lines.length]).toEqual([500_000, 6]);
});
