import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/running.ts';
import { refusalOf } from '../fixtures/upload.ts';
import type { TestRegistry } from '../test-registry.ts';

const user = { username: 'ann', password: 'a:b' };
const basic = ({ username, password }: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const ask = (registry: TestRegistry, path: string, authorization?: string, method = 'GET') =>
  fetch(`${registry.url}${path}`, { method, ...(authorization !== undefined && { headers: { authorization } }) });

interface Token {
  readonly token?: string;
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly expires_in: number;
}

/** Asks the token service as a client is told to by the challenge of an answer. */
async function tradeFor(challenge: string | null, authorization?: string, more = ''): Promise<Response> {
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge ?? '')?.[1] ?? '';
  const query = new URLSearchParams({ service: field('service'), scope: field('scope') });
  return fetch(`${field('realm')}?${query}${more}`, {
    ...(authorization !== undefined && { headers: { authorization } }),
  });
}

test('Basic: a name and a password, asked for', async () => {
  const registry = await startForTest({ auth: user });
  expect(registry.credentials).toEqual(user);
  const none = await ask(registry, '/v2/');
  expect(none.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
  expect(await refusalOf(none)).toEqual([401, 'UNAUTHORIZED']);
  expect((await ask(registry, '/v2/', basic({ ...user, password: 'x' }))).status).toBe(401);
  expect((await ask(registry, '/v2/', 'Basic ???')).status).toBe(401);
  expect((await ask(registry, '/v2/', basic(user))).status).toBe(200);
  expect(registry.requests.map(({ authorization }) => authorization)).toEqual([false, true, true, true]);
});

test('who is not let in learns nothing of what is there', async () => {
  const registry = await startForTest({ auth: user });
  const digest = await registry.putBlob('app', Buffer.from('x'));
  for (const path of [`/v2/app/blobs/${digest}`, '/v2/app/tags/list', '/v2/NO/tags/list', '/v2/nothing']) {
    expect((await ask(registry, path)).status).toBe(401);
  }
});

test("ECR: a token that has expired is 403 DENIED where ECR's ways are asked for, else 401", async () => {
  for (const [ecr, expected] of [
    [true, [403, 'DENIED']],
    [false, [401, 'UNAUTHORIZED']],
  ] as const) {
    const registry = await startForTest({ auth: 'ecr', ecr });
    const authorization = basic(registry.credentials);
    expect((await ask(registry, '/v2/', authorization)).status).toBe(200);
    registry.expireTokens();
    expect(await refusalOf(await ask(registry, '/v2/', authorization))).toEqual(expected);
    expect((await ask(registry, '/v2/', basic(registry.credentials))).status).toBe(200);
  }
});

test('ECR: a token lives its time; another name does not help', async () => {
  const registry = await startForTest({ auth: 'ecr', tokenLifetime: 30 });
  const authorization = basic(registry.credentials);
  await expect.poll(async () => (await ask(registry, '/v2/', authorization)).status).toBe(401);
  const { password } = registry.credentials;
  expect((await ask(registry, '/v2/', basic({ username: 'root', password }))).status).toBe(401);
});

test('Bearer: a token for the scope of the challenge', async () => {
  const registry = await startForTest({ auth: { bearer: { user } }, tokenLifetime: 90_000 });
  const path = '/v2/team/app/blobs/uploads/';
  const challenged = await ask(registry, path, undefined, 'POST');
  const challenge = challenged.headers.get('www-authenticate');
  expect(challenge).toBe(
    `Bearer realm="${registry.url}/token",service="test-registry",scope="repository:team/app:pull,push"`,
  );
  const { token, expires_in } = (await (await tradeFor(challenge, basic(user))).json()) as Token;
  expect(expires_in).toBe(90);
  expect((await ask(registry, path, `Bearer ${token}`, 'POST')).status).toBe(202);
  const other = await ask(registry, '/v2/other/tags/list', `Bearer ${token}`);
  expect([other.status, other.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringContaining('error="insufficient_scope"'),
  ]);
  registry.expireTokens();
  const expired = await ask(registry, path, `Bearer ${token}`, 'POST');
  expect(expired.headers.get('www-authenticate')).toContain('error="invalid_token"');
});

test('Bearer: who gives no name may pull where that is allowed, and never push', async () => {
  for (const anonymousPull of [true, false]) {
    const registry = await startForTest({ auth: { bearer: { anonymousPull } } });
    const digest = await registry.putBlob('app', Buffer.from('x'));
    const path = `/v2/app/blobs/${digest}`;
    const challenge = (await ask(registry, path)).headers.get('www-authenticate');
    const { token } = (await (await tradeFor(challenge)).json()) as Token;
    expect((await ask(registry, path, `Bearer ${token}`)).status).toBe(anonymousPull ? 200 : 401);
    const push = await ask(registry, '/v2/app/blobs/uploads/', undefined, 'POST');
    const weak = (await (await tradeFor(push.headers.get('www-authenticate'))).json()) as Token;
    expect((await ask(registry, '/v2/app/blobs/uploads/', `Bearer ${weak.token}`, 'POST')).status).toBe(401);
  }
});

test('Bearer: the wrong password, service or scope gets no token', async () => {
  const registry = await startForTest({ auth: { bearer: { user } } });
  const challenge = (await ask(registry, '/v2/app/tags/list')).headers.get('www-authenticate') ?? '';
  expect((await tradeFor(challenge, basic({ ...user, password: 'x' }))).status).toBe(401);
  expect((await tradeFor(challenge.replace('test-registry', 'other'))).status).toBe(400);
  expect((await tradeFor(challenge.replace('repository:', 'registry:'), basic(user))).status).toBe(400);
});

test('Bearer: a refresh token stands in for the password', async () => {
  const registry = await startForTest({ auth: { bearer: { user } } });
  const challenge = (await ask(registry, '/v2/app/tags/list')).headers.get('www-authenticate');
  const offline = (await (await tradeFor(challenge, basic(user), '&offline_token=true')).json()) as Token;
  const post = (fields: Record<string, string>) => {
    const common = { service: 'test-registry', client_id: 'test', scope: 'repository:app:pull' };
    return fetch(`${registry.url}/token`, { method: 'POST', body: new URLSearchParams({ ...common, ...fields }) });
  };
  const refreshed = await post({ grant_type: 'refresh_token', refresh_token: offline.refresh_token ?? '' });
  const { access_token } = (await refreshed.json()) as Token;
  expect(await refusalOf(await ask(registry, '/v2/app/tags/list', `Bearer ${access_token}`))).toEqual([
    404,
    'NAME_UNKNOWN',
  ]);
  expect((await post({ grant_type: 'password', ...user })).status).toBe(200);
  expect((await post({ grant_type: 'refresh_token', refresh_token: 'x' })).status).toBe(401);
  expect((await post({ grant_type: 'guess' })).status).toBe(400);
});

test('Bearer: a blob is mounted only from where the token may pull', async () => {
  const registry = await startForTest({ auth: { bearer: { user } } });
  const digest = await registry.putBlob('base', Buffer.from('x'));
  const path = `/v2/app/blobs/uploads/?mount=${digest}&from=base`;
  const mount = async (scopes: readonly string[]) => {
    const query = new URLSearchParams({ service: 'test-registry', scope: scopes.join(' ') });
    const answer = await fetch(`${registry.url}/token?${query}`, { headers: { authorization: basic(user) } });
    const { token } = (await answer.json()) as Token;
    return (await ask(registry, path, `Bearer ${token}`, 'POST')).status;
  };
  expect(await mount(['repository:app:pull,push'])).toBe(202);
  expect(await mount(['repository:app:pull,push', 'repository:base:pull'])).toBe(201);
});
