import { everythingIn } from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { RegistryHttp } from '../client/registry-http.ts';
import type { CredentialProvider, CredentialQuery, Credentials } from '../credentials/credentials.ts';
import { catchError } from '../fixtures/catch-error.ts';
import { PooledHttpSender } from '../transport/http-sender.ts';
import { RegistryAuthorizer } from './authorizer.ts';
import { startTokenRegistry, type TokenRegistry } from './fixtures/token-registry.ts';
import type { RepositoryScope } from './scope.ts';

const sender = new PooledHttpSender({ env: {} });
afterAll(() => sender.close());

const pull: RepositoryScope[] = [{ repository: 'team/app', actions: ['pull'] }];
const push: RepositoryScope[] = [{ repository: 'team/app', actions: ['pull', 'push'] }];
const password = (secret: string): Credentials => ({ kind: 'password', username: 'joe', password: secret });
const basic = (secret: string) => `Basic ${Buffer.from(`joe:${secret}`).toString('base64')}`;
const noCredentials: CredentialProvider = async () => undefined;

/** Opens a client that sends each request once. */
function openClient(host: string, credentials: CredentialProvider, now?: () => number) {
  const authorizer = new RegistryAuthorizer({ host, credentials, sender, ...(now && { now }) });
  const http = new RegistryHttp({ host, options: { retry: { maxAttempts: 1 } }, authorizer, sender });
  const send = async (method: 'GET' | 'POST', scope: readonly RepositoryScope[], target: string) =>
    (await http.exchange({ method, target, scope }, 1 << 16)).status;
  return {
    authorizer,
    get: (scope: readonly RepositoryScope[] = pull, target = '/v2/') => send('GET', scope, target),
    post: (scope: readonly RepositoryScope[], target: string) => send('POST', scope, target),
  };
}

describe('RegistryAuthorizer with Basic authentication', () => {
  it('sends credentials after the first challenge, and in later requests without a challenge', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 's3cret' } });
    const client = openClient(registry.host, async () => password('s3cret'));
    expect([await client.get(), await client.get(), await client.get(push)]).toEqual([200, 200, 200]);
    expect(registry.requests.map(({ status }) => status)).toEqual([401, 200, 200, 200]);
    await registry.stop();
  });

  it.each([
    ['basic', basic('s3cret')],
    [undefined, undefined],
  ] as const)('with authScheme %s authorizes the first request with %s', async (authScheme, expected) => {
    const credentials: CredentialProvider = async () => password('s3cret');
    const authorizer = new RegistryAuthorizer({
      host: 'registry.example',
      ...(authScheme && { authScheme }),
      credentials,
      sender,
    });
    expect(await authorizer.authorize(pull)).toBe(expected);
  });

  it('fails with advice and without secrets if the provider has no newer credentials', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 'right' } });
    const queries: (CredentialQuery | undefined)[] = [];
    const client = openClient(registry.host, async (_host, query) => {
      queries.push(query);
      return password('s3cret');
    });
    const error = await catchError(client.get());
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/the registry rejected the credentials; run "docker login 127\.0\.0\.1:\d+"/);
    expect(everythingIn(error)).not.toMatch(/s3cret|am9l/);
    expect(queries.map((query) => query?.rejected)).toEqual([undefined, password('s3cret')]);
    expect(registry.requests.map(({ status }) => status)).toEqual([401, 401]);
    await registry.stop();
  });

  it('fails if newer credentials are also rejected', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 'right' } });
    let count = 0;
    const client = openClient(registry.host, async () => password(`wrong-${++count}`));
    expect((await catchError(client.get())).code).toBe('AUTHENTICATION_FAILED');
    expect(count).toBe(2);
    expect(registry.requests).toHaveLength(3);
    await registry.stop();
  });

  it('reports that there are no credentials', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 'right' } });
    const error = await catchError(openClient(registry.host, noCredentials).get());
    expect(error.message).toMatch(/status 401: .*no credentials were found for the registry; run "docker login/);
    await registry.stop();
  });

  it('calls the provider again at expiresAt', async () => {
    let now = 1_000_000;
    let count = 0;
    const authorizer = new RegistryAuthorizer({
      host: 'registry.example',
      authScheme: 'basic',
      credentials: async () => ({ ...password(`p${++count}`), expiresAt: new Date(now + 1000) }) as Credentials,
      sender,
      now: () => now,
    });
    expect(await authorizer.authorize(pull)).toBe(basic('p1'));
    now += 999;
    expect(await authorizer.authorize(pull)).toBe(basic('p1'));
    now += 1;
    expect(await authorizer.authorize(pull)).toBe(basic('p2'));
  });

  it('requests credentials per repository', async () => {
    const authorizer = new RegistryAuthorizer({
      host: 'registry.example',
      authScheme: 'basic',
      credentials: async (_host, query) => password(query?.repository ?? 'none'),
      sender,
    });
    expect(await authorizer.authorize(pull)).toBe(basic('team/app'));
    expect(await authorizer.authorize([{ repository: 'other', actions: ['pull'] }])).toBe(basic('other'));
    expect(await authorizer.authorize([])).toBe(basic('none'));
  });
});

describe('RegistryAuthorizer with Bearer authentication', () => {
  let registry: TokenRegistry;
  beforeEach(async () => {
    registry = await startTokenRegistry();
  });
  afterEach(() => registry.stop());

  const scopes = () => registry.tokenRequests.map(({ query }) => query.getAll('scope'));

  it('obtains an anonymous token and reuses it', async () => {
    const client = openClient(registry.host, noCredentials);
    await client.get();
    await client.get();
    expect(registry.requests.map(({ path }) => path)).toEqual(['/v2/', '/token', '/v2/', '/v2/']);
    expect(scopes()).toEqual([['repository:team/app:pull']]);
  });

  it('obtains another token for another scope, without another 401', async () => {
    const client = openClient(registry.host, noCredentials);
    await client.get();
    await client.get(push);
    await client.get([...push, { repository: 'team/base', actions: ['pull'] }]);
    expect(scopes()).toEqual([
      ['repository:team/app:pull'],
      ['repository:team/app:pull,push'],
      ['repository:team/app:pull,push', 'repository:team/base:pull'],
    ]);
    expect(registry.requests.filter(({ path }) => path === '/v2/')).toHaveLength(4);
  });

  it('also requests the scopes of the challenge', async () => {
    registry.challenge += ',scope="aws repository:mirror/team/app:pull"';
    await openClient(registry.host, noCredentials).get();
    expect(scopes()).toEqual([['aws', 'repository:mirror/team/app:pull', 'repository:team/app:pull']]);
  });

  it('renews a token shortly before it expires', async () => {
    let now = 0;
    const client = openClient(registry.host, noCredentials, () => now);
    await client.get();
    now += 300_000 - 10_000 - 1;
    await client.get();
    expect(registry.tokenRequests).toHaveLength(1);
    now += 1;
    await client.get();
    expect(registry.tokenRequests).toHaveLength(2);
  });

  it('renews a rejected token once for concurrent requests', async () => {
    const client = openClient(registry.host, noCredentials);
    await client.get();
    await client.get();
    registry.expireTokens();
    await Promise.all([client.get(), client.get(), client.get(), client.get()]);
    expect(registry.tokenRequests).toHaveLength(2);
  });

  it('shares one token request between concurrent requests', async () => {
    const client = openClient(registry.host, noCredentials);
    await client.get();
    await Promise.all([client.get(push), client.get(push), client.get(push)]);
    expect(registry.tokenRequests).toHaveLength(2);
  });

  it('fails if new tokens are rejected immediately, because they lack the permission', async () => {
    const client = openClient(registry.host, async () => password('s3cret'));
    let count = 0;
    registry.respond = () => ({ body: JSON.stringify({ token: `useless-${++count}` }) });
    const error = await catchError(client.get());
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/the registry rejected the credentials/);
    expect(everythingIn(error)).not.toMatch(/s3cret|useless|am9l/);
    expect(registry.requests.map(({ path }) => path)).toEqual(['/v2/', '/token', '/v2/', '/token', '/v2/']);
  });

  it('retries with newer credentials if the token service rejects the old ones', async () => {
    registry.respond = ({ authorization }) => (authorization === basic('new') ? {} : { status: 401 });
    const client = openClient(registry.host, async (_host, query) => password(query?.rejected ? 'new' : 'old'));
    expect(await client.get()).toBe(200);
    expect(registry.tokenRequests.map(({ authorization }) => authorization)).toEqual([basic('old'), basic('new')]);
  });

  it('reports that the token service rejected the request', async () => {
    registry.respond = () => ({ status: 401 });
    const known = await catchError(openClient(registry.host, async () => password('s3cret')).get());
    expect(known.message).toMatch(
      /\/token: the token service rejects the credentials \(status 401\); run "docker login/,
    );
    expect(everythingIn(known)).not.toMatch(/s3cret|am9l/);
    const unknown = await catchError(openClient(registry.host, noCredentials).get());
    expect(unknown.message).toMatch(/the token service rejects anonymous requests \(status 401\); run "docker login/);
  });

  it('sends a registry token unchanged', async () => {
    const client = openClient(registry.host, async () => ({ kind: 'registry-token', token: 'r' }));
    await catchError(client.get());
    expect(registry.requests.map(({ authorization }) => authorization)).toEqual([undefined, 'Bearer r']);
  });

  it('rejects a registry token with invalid characters without quoting it', async () => {
    const client = openClient(registry.host, async () => ({ kind: 'registry-token', token: 's3cret\n' }));
    const error = await catchError(client.get());
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(everythingIn(error)).not.toContain('s3cret');
  });

  it('sends no credentials over plain HTTP to a token service on another port', async () => {
    const service = await startTokenRegistry();
    onTestFinished(() => service.stop());
    registry.challenge = `Bearer realm="http://${service.host}/token"`;
    const error = await catchError(openClient(registry.host, async () => password('s3cret')).get());
    expect(error.code).toBe('REDIRECT_REFUSED');
    expect(service.requests).toEqual([]);
    await catchError(openClient(registry.host, noCredentials).get());
    expect(service.requests.length).toBeGreaterThan(0);
    expect(service.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it('sends no credentials to a token service that is not allowed', async () => {
    for (const realm of [
      'http://169.254.169.254/token',
      'http://auth.example/token',
      '/token',
      'https://[fe80::1]/token',
    ]) {
      registry.challenge = `Bearer realm="${realm}"`;
      const client = openClient(registry.host, async () => password('s3cret'));
      expect((await catchError(client.get())).code).toBe('REDIRECT_REFUSED');
    }
    expect(registry.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});

describe('RegistryAuthorizer with a registry that checks token scopes', () => {
  const user = { username: 'joe', password: 's3cret' };
  const uploads = '/v2/team/app/blobs/uploads/';

  it('pulls anonymously, is denied an anonymous push, and pushes with credentials', async () => {
    const registry = await startTestRegistry({ auth: { bearer: { user, anonymousPull: true } } });
    const manifest = '/v2/team/app/manifests/latest';
    registry.putManifest('team/app', 'latest', 'application/vnd.oci.image.manifest.v1+json', new Uint8Array(2));
    const anonymous = openClient(registry.host, noCredentials);
    expect(await anonymous.get(pull, manifest)).toBe(200);
    const error = await catchError(anonymous.post(push, uploads));
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/no credentials were found for the registry; run "docker login/);
    expect(await openClient(registry.host, async () => password('s3cret')).post(push, uploads)).toBe(202);
    await registry.stop();
  });

  it('continues after the tokens have expired', async () => {
    const registry = await startTestRegistry({ auth: { bearer: { user } } });
    const client = openClient(registry.host, async () => password('s3cret'));
    expect(await client.post(push, uploads)).toBe(202);
    expect(await client.post(push, uploads)).toBe(202);
    registry.expireTokens();
    expect(await client.post(push, uploads)).toBe(202);
    await registry.stop();
  });
});

describe('RegistryAuthorizer with an unsupported scheme', () => {
  let registry: TokenRegistry;
  beforeEach(async () => {
    registry = await startTokenRegistry();
  });
  afterEach(() => registry.stop());

  it.each(['Negotiate', 'Digest realm="x", nonce="y"', ''])('fails for the challenge %j', async (challenge) => {
    registry.challenge = challenge;
    const error = await catchError(openClient(registry.host, async () => password('s3cret')).get());
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(
      challenge === '' ? /no WWW-Authenticate header/ : /an authentication scheme other than Basic and Bearer/,
    );
    expect(registry.requests).toHaveLength(1);
  });

  it('rejects an identity token for Basic authentication', async () => {
    registry.challenge = 'Basic realm="x"';
    const error = await catchError(
      openClient(registry.host, async () => ({ kind: 'identity-token', token: 's3cret' })).get(),
    );
    expect(error.message).toMatch(/the credentials are an identity token/);
    expect(everythingIn(error)).not.toContain('s3cret');
  });

  it('rejects with the error of the provider, or the reason of the signal', async () => {
    registry.challenge = 'Basic realm="x"';
    const broken = new Error('the helper is broken');
    const client = openClient(registry.host, async () => Promise.reject(broken));
    await expect(client.get()).rejects.toBe(broken);
    const reason = new Error('aborted');
    const call = client.authorizer.reauthorize(pull, 'Basic realm="x"', undefined, {
      signal: AbortSignal.abort(reason),
    });
    await expect(call).rejects.toBe(reason);
  });
});
