import { expect, test } from 'vitest';
import { seedImage } from '../fixtures/image.ts';
import { startForTest } from '../fixtures/start-for-test.ts';

test('lists repositories in pages, sorted by name', async () => {
  const registry = await startForTest({ pageSize: 2 });
  for (const name of ['b/c', 'a', 'b']) await seedImage(registry, name, 'v1');
  const first = await fetch(`${registry.url}/v2/_catalog`);
  expect(await first.json()).toEqual({ repositories: ['a', 'b'] });
  expect(first.headers.get('link')).toBe('</v2/_catalog?n=2&last=b>; rel="next"');
  const second = await fetch(`${registry.url}/v2/_catalog?n=2&last=b`);
  expect(await second.json()).toEqual({ repositories: ['b/c'] });
  expect(second.headers.has('link')).toBe(false);
});

test('requires a token of its own', async () => {
  const user = { username: 'ann', password: 'secret' };
  const registry = await startForTest({ auth: { bearer: { user, anonymousPull: true } } });
  const list = async (authorization?: string) => {
    const challenge = (await fetch(`${registry.url}/v2/_catalog`)).headers.get('www-authenticate');
    const [, scope = ''] = /scope="([^"]+)"/.exec(challenge ?? '') ?? [];
    expect(scope).toBe('registry:catalog:*');
    const query = new URLSearchParams({ service: 'test-registry', scope });
    const issued = await fetch(`${registry.url}/token?${query}`, { headers: authorization ? { authorization } : {} });
    const { token } = (await issued.json()) as { token: string };
    return (await fetch(`${registry.url}/v2/_catalog`, { headers: { authorization: `Bearer ${token}` } })).status;
  };
  expect(await list()).toBe(401);
  expect(await list(`Basic ${Buffer.from('ann:secret').toString('base64')}`)).toBe(200);
});
