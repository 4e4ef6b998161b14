import { everythingIn } from '@soci/test-content';
import { startTestRegistry } from '@soci/test-registry';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RegistryHttp } from '../client/registry-http.ts';
import type { CredentialProvider, CredentialQuery, Credentials } from '../credentials/credentials.ts';
import { caught } from '../fixtures/caught.ts';
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
const nobody: CredentialProvider = async () => undefined;

/** A client of a registry, as the package makes it, that sends each request once. */
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

describe('RegistryAuthorizer with a registry that wants Basic', () => {
  it('waits for the first challenge, then spends no request on another', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 's3cret' } });
    const client = openClient(registry.host, async () => password('s3cret'));
    expect([await client.get(), await client.get(), await client.get(push)]).toEqual([200, 200, 200]);
    expect(registry.requests.map(({ status }) => status)).toEqual([401, 200, 200, 200]);
    await registry.stop();
  });

  it.each([
    ['basic', basic('s3cret')],
    [undefined, undefined],
  ] as const)('gives a registry that is known to want %s at once: %s', async (authScheme, expected) => {
    const credentials: CredentialProvider = async () => password('s3cret');
    const authorizer = new RegistryAuthorizer({
      host: 'registry.example',
      ...(authScheme && { authScheme }),
      credentials,
      sender,
    });
    expect(await authorizer.authorize(pull)).toBe(expected);
  });

  it('gives up where the provider has nothing newer, and says what to do without the secret', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 'right' } });
    const queries: (CredentialQuery | undefined)[] = [];
    const client = openClient(registry.host, async (_host, query) => {
      queries.push(query);
      return password('s3cret');
    });
    const error = await caught(client.get());
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(
      /the credentials found for it were refused; log in with docker login 127\.0\.0\.1:\d+/,
    );
    expect(everythingIn(error)).not.toMatch(/s3cret|am9l/);
    expect(queries.map((query) => query?.rejected)).toEqual([undefined, password('s3cret')]);
    expect(registry.requests.map(({ status }) => status)).toEqual([401, 401]);
    await registry.stop();
  });

  it('gives up where newer credentials are refused as well', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 'right' } });
    let count = 0;
    const client = openClient(registry.host, async () => password(`wrong-${++count}`));
    expect((await caught(client.get())).code).toBe('AUTHENTICATION_FAILED');
    expect(count).toBe(2);
    expect(registry.requests).toHaveLength(3);
    await registry.stop();
  });

  it('says that there are no credentials', async () => {
    const registry = await startTestRegistry({ auth: { username: 'joe', password: 'right' } });
    const error = await caught(openClient(registry.host, nobody).get());
    expect(error.message).toMatch(/401: .*no credentials were found for it; log in/);
    await registry.stop();
  });

  it('asks the provider again when the time has come that it named', async () => {
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

  it('asks for the credentials of each repository', async () => {
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

describe('RegistryAuthorizer with a registry that wants Bearer', () => {
  let registry: TokenRegistry;
  beforeEach(async () => {
    registry = await startTokenRegistry();
  });
  afterEach(() => registry.stop());

  const scopes = () => registry.tokenRequests.map(({ query }) => query.getAll('scope'));

  it('gets a token as anybody, and uses it for all that it is good for', async () => {
    const client = openClient(registry.host, nobody);
    await client.get();
    await client.get();
    expect(registry.requests.map(({ path }) => path)).toEqual(['/v2/', '/token', '/v2/', '/v2/']);
    expect(scopes()).toEqual([['repository:team/app:pull']]);
  });

  it('gets another token for what else is to be done, without a 401 in between', async () => {
    const client = openClient(registry.host, nobody);
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

  it('asks for the scopes of the challenge too', async () => {
    registry.challenge += ',scope="aws repository:mirror/team/app:pull"';
    await openClient(registry.host, nobody).get();
    expect(scopes()).toEqual([['aws', 'repository:mirror/team/app:pull', 'repository:team/app:pull']]);
  });

  it('renews a token shortly before its end', async () => {
    let now = 0;
    const client = openClient(registry.host, nobody, () => now);
    await client.get();
    now += 300_000 - 10_000 - 1;
    await client.get();
    expect(registry.tokenRequests).toHaveLength(1);
    now += 1;
    await client.get();
    expect(registry.tokenRequests).toHaveLength(2);
  });

  it('gets a new token where one is refused before its end, once for requests at the same time', async () => {
    const client = openClient(registry.host, nobody);
    await client.get();
    await client.get();
    registry.expireTokens();
    await Promise.all([client.get(), client.get(), client.get(), client.get()]);
    expect(registry.tokenRequests).toHaveLength(2);
  });

  it('shares one call for requests at the same time', async () => {
    const client = openClient(registry.host, nobody);
    await client.get();
    await Promise.all([client.get(push), client.get(push), client.get(push)]);
    expect(registry.tokenRequests).toHaveLength(2);
  });

  it('gives up where new tokens are refused at once, as those are that lack the permission', async () => {
    const client = openClient(registry.host, async () => password('s3cret'));
    let count = 0;
    registry.answer = () => ({ body: JSON.stringify({ token: `of-no-use-${++count}` }) });
    const error = await caught(client.get());
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/the credentials found for it were refused/);
    expect(everythingIn(error)).not.toMatch(/s3cret|of-no-use|am9l/);
    expect(registry.requests.map(({ path }) => path)).toEqual(['/v2/', '/token', '/v2/', '/token', '/v2/']);
  });

  it('trades newer credentials where the token service refuses the old ones', async () => {
    registry.answer = ({ authorization }) => (authorization === basic('new') ? {} : { status: 401 });
    const client = openClient(registry.host, async (_host, query) => password(query?.rejected ? 'new' : 'old'));
    expect(await client.get()).toBe(200);
    expect(registry.tokenRequests.map(({ authorization }) => authorization)).toEqual([basic('old'), basic('new')]);
  });

  it('says that the token service refused', async () => {
    registry.answer = () => ({ status: 401 });
    const known = await caught(openClient(registry.host, async () => password('s3cret')).get());
    expect(known.message).toMatch(/\/token: the token service does not take the credentials \(status 401\); log in/);
    expect(everythingIn(known)).not.toMatch(/s3cret|am9l/);
    const unknown = await caught(openClient(registry.host, nobody).get());
    expect(unknown.message).toMatch(/the token service gives nothing to anonymous callers \(status 401\); log in/);
  });

  it('presents a registry token as it is', async () => {
    const client = openClient(registry.host, async () => ({ kind: 'registry-token', token: 'r' }));
    await caught(client.get());
    expect(registry.requests.map(({ authorization }) => authorization)).toEqual([undefined, 'Bearer r']);
  });

  it('says that a registry token can stand in no header, and not what it is', async () => {
    const client = openClient(registry.host, async () => ({ kind: 'registry-token', token: 's3cret\n' }));
    const error = await caught(client.get());
    expect(error.code).toBe('CREDENTIALS_INVALID');
    expect(everythingIn(error)).not.toContain('s3cret');
  });

  it('sends credentials to no service that it should not go to', async () => {
    for (const realm of [
      'http://169.254.169.254/token',
      'http://auth.example/token',
      '/token',
      'https://[fe80::1]/token',
    ]) {
      registry.challenge = `Bearer realm="${realm}"`;
      const client = openClient(registry.host, async () => password('s3cret'));
      expect((await caught(client.get())).code).toBe('REDIRECT_REFUSED');
    }
    expect(registry.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});

describe('RegistryAuthorizer with a strict registry that checks what a token is good for', () => {
  const user = { username: 'joe', password: 's3cret' };
  const uploads = '/v2/team/app/blobs/uploads/';

  it('pulls as anybody, is refused a push, and pushes as the user', async () => {
    const registry = await startTestRegistry({ auth: { bearer: { user, anonymousPull: true } } });
    const manifest = '/v2/team/app/manifests/latest';
    registry.putManifest('team/app', 'latest', 'application/vnd.oci.image.manifest.v1+json', new Uint8Array(2));
    const anybody = openClient(registry.host, nobody);
    expect(await anybody.get(pull, manifest)).toBe(200);
    const error = await caught(anybody.post(push, uploads));
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/no credentials were found for it; log in/);
    expect(await openClient(registry.host, async () => password('s3cret')).post(push, uploads)).toBe(202);
    await registry.stop();
  });

  it('goes on where the tokens have expired', async () => {
    const registry = await startTestRegistry({ auth: { bearer: { user } } });
    const client = openClient(registry.host, async () => password('s3cret'));
    expect(await client.post(push, uploads)).toBe(202);
    expect(await client.post(push, uploads)).toBe(202);
    registry.expireTokens();
    expect(await client.post(push, uploads)).toBe(202);
    await registry.stop();
  });
});

describe('RegistryAuthorizer with a registry that wants something else', () => {
  let registry: TokenRegistry;
  beforeEach(async () => {
    registry = await startTokenRegistry();
  });
  afterEach(() => registry.stop());

  it.each(['Negotiate', 'Digest realm="x", nonce="y"', ''])('gives up on %j', async (challenge) => {
    registry.challenge = challenge;
    const error = await caught(openClient(registry.host, async () => password('s3cret')).get());
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/in no way that is known here/);
    expect(registry.requests).toHaveLength(1);
  });

  it('has no use for an identity token where a name and password are wanted', async () => {
    registry.challenge = 'Basic realm="x"';
    const error = await caught(
      openClient(registry.host, async () => ({ kind: 'identity-token', token: 's3cret' })).get(),
    );
    expect(error.message).toMatch(/only an identity token is kept/);
    expect(everythingIn(error)).not.toContain('s3cret');
  });

  it('passes on what the provider throws, and the reason of the signal', async () => {
    registry.challenge = 'Basic realm="x"';
    const broken = new Error('the helper is broken');
    const client = openClient(registry.host, async () => Promise.reject(broken));
    await expect(client.get()).rejects.toBe(broken);
    const reason = new Error('enough');
    const call = client.authorizer.reauthorize(pull, 'Basic realm="x"', undefined, {
      signal: AbortSignal.abort(reason),
    });
    await expect(call).rejects.toBe(reason);
  });
});
