import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/start-for-test.ts';
import { errorOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

const user = { username: 'ann', password: 'a:b' };
const basic = ({ username, password }: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const request = (registry: TestRegistry, path: string, authorization?: string, method = 'GET') =>
  fetch(`${registry.url}${path}`, { method, ...(authorization !== undefined && { headers: { authorization } }) });

interface Token {
  readonly token?: string;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in: number;
}

/** Requests a token as the challenge of a response specifies. */
async function requestToken(challenge: string | null, authorization?: string, more = ''): Promise<Response> {
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge ?? '')?.[1] ?? '';
  const query = new URLSearchParams({ service: field('service'), scope: field('scope') });
  return fetch(`${field('realm')}?${query}${more}`, {
    ...(authorization !== undefined && { headers: { authorization } }),
  });
}

test('Basic: requires a user name and password', async () => {
  const registry = await startForTest({ auth: user });
  expect(registry.credentials).toEqual(user);
  const none = await request(registry, '/v2/');
  expect(none.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
  expect(await errorOf(none)).toEqual([401, 'UNAUTHORIZED']);
  expect((await request(registry, '/v2/', basic({ ...user, password: 'x' }))).status).toBe(401);
  expect((await request(registry, '/v2/', 'Basic ???')).status).toBe(401);
  expect((await request(registry, '/v2/', basic(user))).status).toBe(200);
  expect(registry.requests.map(({ authorization }) => authorization)).toEqual([false, true, true, true]);
});

test('unauthorized requests do not reveal what exists', async () => {
  const registry = await startForTest({ auth: user });
  const digest = await registry.putBlob('app', Buffer.from('x'));
  for (const path of [`/v2/app/blobs/${digest}`, '/v2/app/tags/list', '/v2/NO/tags/list', '/v2/nothing']) {
    expect((await request(registry, path)).status).toBe(401);
  }
});

test('ECR: an expired token is rejected with 403 DENIED with option ecr, otherwise with 401', async () => {
  for (const [ecr, expected] of [
    [true, [403, 'DENIED']],
    [false, [401, 'UNAUTHORIZED']],
  ] as const) {
    const registry = await startForTest({ auth: 'ecr', ecr });
    const authorization = basic(registry.credentials);
    expect((await request(registry, '/v2/', authorization)).status).toBe(200);
    registry.expireTokens();
    expect(await errorOf(await request(registry, '/v2/', authorization))).toEqual(expected);
    expect((await request(registry, '/v2/', basic(registry.credentials))).status).toBe(200);
  }
});

test('ECR: a token expires, and is valid only for the user name AWS', async () => {
  const registry = await startForTest({ auth: 'ecr', tokenLifetime: 30 });
  const authorization = basic(registry.credentials);
  await expect.poll(async () => (await request(registry, '/v2/', authorization)).status).toBe(401);
  const { password } = registry.credentials;
  expect((await request(registry, '/v2/', basic({ username: 'root', password }))).status).toBe(401);
});

test('Bearer: accepts a token for the scope of the challenge', async () => {
  const registry = await startForTest({ auth: { bearer: { user } }, tokenLifetime: 90_000 });
  const path = '/v2/team/app/blobs/uploads/';
  const challenged = await request(registry, path, undefined, 'POST');
  const challenge = challenged.headers.get('www-authenticate');
  expect(challenge).toBe(
    `Bearer realm="${registry.url}/token",service="test-registry",scope="repository:team/app:pull,push"`,
  );
  const { token, expires_in } = (await (await requestToken(challenge, basic(user))).json()) as Token;
  expect(expires_in).toBe(90);
  expect((await request(registry, path, `Bearer ${token}`, 'POST')).status).toBe(202);
  const other = await request(registry, '/v2/other/tags/list', `Bearer ${token}`);
  expect([other.status, other.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringContaining('error="insufficient_scope"'),
  ]);
  registry.expireTokens();
  const expired = await request(registry, path, `Bearer ${token}`, 'POST');
  expect(expired.headers.get('www-authenticate')).toContain('error="invalid_token"');
});

test('Bearer: allows anonymous pulls if configured, but no anonymous pushes', async () => {
  for (const anonymousPull of [true, false]) {
    const registry = await startForTest({ auth: { bearer: { anonymousPull } } });
    const digest = await registry.putBlob('app', Buffer.from('x'));
    const path = `/v2/app/blobs/${digest}`;
    const challenge = (await request(registry, path)).headers.get('www-authenticate');
    const { token } = (await (await requestToken(challenge)).json()) as Token;
    expect((await request(registry, path, `Bearer ${token}`)).status).toBe(anonymousPull ? 200 : 401);
    const push = await request(registry, '/v2/app/blobs/uploads/', undefined, 'POST');
    const weak = (await (await requestToken(push.headers.get('www-authenticate'))).json()) as Token;
    expect((await request(registry, '/v2/app/blobs/uploads/', `Bearer ${weak.token}`, 'POST')).status).toBe(401);
  }
});

test('Bearer: issues no token for a wrong password, service or scope', async () => {
  const registry = await startForTest({ auth: { bearer: { user } } });
  const challenge = (await request(registry, '/v2/app/tags/list')).headers.get('www-authenticate') ?? '';
  expect((await requestToken(challenge, basic({ ...user, password: 'x' }))).status).toBe(401);
  expect((await requestToken(challenge.replace('test-registry', 'other'))).status).toBe(400);
  expect((await requestToken(challenge.replace('repository:', 'plugin:'), basic(user))).status).toBe(400);
});

test('Bearer: accepts a refresh token instead of the password', async () => {
  const registry = await startForTest({ auth: { bearer: { user } } });
  const challenge = (await request(registry, '/v2/app/tags/list')).headers.get('www-authenticate');
  const offline = (await (await requestToken(challenge, basic(user), '&offline_token=true')).json()) as Token;
  const post = (fields: Record<string, string>) => {
    const common = { service: 'test-registry', client_id: 'test', scope: 'repository:app:pull' };
    return fetch(`${registry.url}/token`, { method: 'POST', body: new URLSearchParams({ ...common, ...fields }) });
  };
  const refreshed = await post({ grant_type: 'refresh_token', refresh_token: offline.refresh_token ?? '' });
  const { access_token } = (await refreshed.json()) as Token;
  expect(await errorOf(await request(registry, '/v2/app/tags/list', `Bearer ${access_token}`))).toEqual([
    404,
    'NAME_UNKNOWN',
  ]);
  expect((await post({ grant_type: 'password', ...user })).status).toBe(200);
  expect((await post({ grant_type: 'refresh_token', refresh_token: 'x' })).status).toBe(401);
  expect((await post({ grant_type: 'guess' })).status).toBe(400);
});

test('Bearer: mounts a blob only if the token allows pulling it', async () => {
  const registry = await startForTest({ auth: { bearer: { user } } });
  const digest = await registry.putBlob('base', Buffer.from('x'));
  const path = `/v2/app/blobs/uploads/?mount=${digest}&from=base`;
  const mount = async (scopes: readonly string[]) => {
    const query = new URLSearchParams({ service: 'test-registry', scope: scopes.join(' ') });
    const response = await fetch(`${registry.url}/token?${query}`, { headers: { authorization: basic(user) } });
    const { token } = (await response.json()) as Token;
    return (await request(registry, path, `Bearer ${token}`, 'POST')).status;
  };
  expect(await mount(['repository:app:pull,push'])).toBe(202);
  expect(await mount(['repository:app:pull,push', 'repository:base:pull'])).toBe(201);
});
