import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Credentials, openRegistry } from '@soci/registry';
import { everythingIn } from '@soci/test-content';
import { createHomeFolder, type HomeFolder } from '@soci/test-content/vitest';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadSdk } from './aws-client.ts';
import { type EcrCredentialsOptions, ecrCredentials, ecrPublicCredentials } from './ecr-credentials.ts';
import { type AwsApi, startAwsApi } from './fixtures/aws-api.ts';
import { catchError } from './fixtures/catch-error.ts';

const HOST = '123456789012.dkr.ecr.us-east-1.amazonaws.com';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-s3cret' };
const MINUTES = 60_000;
const HOURS = 60 * MINUTES;

describe('ecrCredentials with a test registry', () => {
  let registry: TestRegistry;
  beforeEach(async () => {
    registry = await startTestRegistry({ auth: 'ecr' });
  });
  afterEach(() => registry.stop());

  const provider = (options: EcrCredentialsOptions = {}) =>
    ecrCredentials({ credentials: KEYS, endpoint: registry.awsEndpoint, ...options });
  const calls = () => registry.requests.filter(({ port }) => port === 'aws').length;

  it('returns credentials that the registry accepts', async () => {
    const found = await provider()(HOST);
    if (found?.kind !== 'password') throw new Error(`found ${found?.kind}`);
    expect(found.username).toBe('AWS');
    const basic = Buffer.from(`${found.username}:${found.password}`).toString('base64');
    const response = await fetch(`${registry.url}/v2/`, { headers: { authorization: `Basic ${basic}` } });
    expect(response.status).toBe(200);
  });

  it('returns undefined for other hosts without calling AWS', async () => {
    expect(await provider()('registry.example')).toBeUndefined();
    expect(await provider()('public.ecr.aws')).toBeUndefined();
    expect(calls()).toBe(0);
  });

  it('returns credentials for the host of option registry', async () => {
    const named = provider({ registry: { host: 'ecr.example', account: '123456789012', region: 'us-east-1' } });
    expect(await named('ecr.example')).toMatchObject({ kind: 'password', username: 'AWS' });
    expect(await named('registry.example')).toBeUndefined();
  });

  it('shares a token between concurrent and later callers until shortly before it expires', async () => {
    let now = Date.now();
    const find = provider({ now: () => now });
    const [first, second] = await Promise.all([find(HOST), find(HOST)]);
    expect(second).toEqual(first);
    now += 12 * HOURS - 6 * MINUTES;
    expect(await find(HOST)).toEqual(first);
    expect(calls()).toBe(1);
    now += 2 * MINUTES;
    expect(await find(HOST)).not.toEqual(first);
    expect(calls()).toBe(2);
  });

  it('returns when to request the next token', async () => {
    const found = await provider()(HOST);
    const expiresAt = found?.kind === 'password' ? (found.expiresAt?.getTime() ?? 0) : 0;
    expect(Math.abs(expiresAt - (Date.now() + 12 * HOURS - 5 * MINUTES))).toBeLessThan(60_000);
  });

  it('caches a token per account and Region', async () => {
    const find = provider();
    await find(HOST);
    await find('210987654321.dkr.ecr.us-east-1.amazonaws.com');
    await find('123456789012.dkr.ecr.eu-west-1.amazonaws.com');
    await find(HOST);
    expect(calls()).toBe(3);
  });

  it('renews a rejected token once for concurrent callers', async () => {
    const find = provider();
    const rejected = (await find(HOST)) as Credentials;
    const [a, b] = await Promise.all([find(HOST, { rejected }), find(HOST, { rejected })]);
    expect(a).not.toEqual(rejected);
    expect(b).toEqual(a);
    // A late caller with the old token receives the new one.
    expect(await find(HOST, { rejected })).toEqual(a);
    expect(calls()).toBe(2);
  });

  it('renews a token that the registry rejects once for concurrent requests', async () => {
    const credentials = provider({ registry: { host: registry.host, account: '123456789012', region: 'us-east-1' } });
    const client = openRegistry(registry.host, { credentials });
    const probe = () =>
      client.repository('app').exists({ mediaType: 'a/b', digest: `sha256:${'0'.repeat(64)}`, size: 1 });
    expect(await probe()).toBe(false);
    registry.expireTokens();
    registry.clearRequests();
    expect(await Promise.all([probe(), probe(), probe()])).toEqual([false, false, false]);
    expect(calls()).toBe(1);
    client.close();
  });

  it('rejects an aborted caller while another keeps waiting', async () => {
    const find = provider();
    const controller = new AbortController();
    const aborting = find(HOST, { signal: controller.signal });
    const waiting = find(HOST);
    controller.abort(new Error('aborted'));
    await expect(aborting).rejects.toThrow('aborted');
    expect(await waiting).toMatchObject({ username: 'AWS' });
    expect(calls()).toBe(1);
  });
});

describe('ecrCredentials with a fake API', () => {
  let aws: AwsApi;
  beforeEach(async () => {
    // Avoids the delays between attempts of the SDK.
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
    aws = await startAwsApi();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await aws.stop();
  });

  const provider = (options: EcrCredentialsOptions = {}) =>
    ecrCredentials({ credentials: KEYS, endpoint: aws.endpoint, ...options });
  const token = (password: string, expiresAt: number) => ({
    body: {
      authorizationData: [{ authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'), expiresAt }],
    },
  });
  const respondWithError = (type: string, message: string, status = 400) =>
    aws.respondWith({ status, body: { __type: type, message } });

  it('requests a token for the account of the registry', async () => {
    aws.respondWith(token('p', Date.now() / 1000 + 43_200));
    await provider()(HOST);
    expect(aws.calls).toEqual([
      {
        target: 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
        input: { registryIds: ['123456789012'] },
      },
    ]);
  });

  it('caches a token whose expiry is long past, as emulators return it, for a minute', async () => {
    let now = Date.now();
    const find = provider({ now: () => now });
    aws.respondWith(token('p', Date.UTC(2015, 0, 1) / 1000));
    await find(HOST);
    now += MINUTES - 1;
    expect(await find(HOST)).toMatchObject({ password: 'p' });
    expect(aws.calls).toHaveLength(1);
    now += 1;
    await find(HOST);
    expect(aws.calls).toHaveLength(2);
  });

  it('uses a token until it expires if AWS returns no new one', async () => {
    const start = Date.now();
    let now = start;
    const find = provider({ now: () => now });
    aws.respondWith(token('p', (start + HOURS) / 1000));
    await find(HOST);
    respondWithError('AccessDeniedException', 'no');
    now = start + HOURS - 60_000;
    expect(await find(HOST)).toMatchObject({ password: 'p' });
    now = start + HOURS;
    expect((await catchError(find(HOST))).code).toBe('ACCESS_DENIED');
  });

  it.each([
    ['AccessDeniedException', 'ACCESS_DENIED', /AWS denies ecr:GetAuthorizationToken: not you; allow it on \*/],
    ['ExpiredTokenException', 'AUTHENTICATION_FAILED', /ExpiredTokenException.*aws sso login/],
    ['InvalidSignatureException', 'AUTHENTICATION_FAILED', /InvalidSignatureException.*clock/],
    ['ThrottlingException', 'RATE_LIMITED', /try again later/],
    [
      'InvalidParameterException',
      'AUTHENTICATION_FAILED',
      /rejected ecr:GetAuthorizationToken \(InvalidParameterException\)/,
    ],
  ])('reports a remedy for %s', async (type, code, message) => {
    respondWithError(type, 'not you');
    const error = await catchError(provider()(HOST));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(HOST);
  });

  it.each([
    ['a response that is not JSON', { body: '<html>t0ken' }, 'RESPONSE_INVALID'],
    [
      'a response with an invalid expiry',
      { body: '{"authorizationData":[{"authorizationToken":"t0ken","expiresAt":"t0ken"}]}' },
      'RESPONSE_INVALID',
    ],
    ['an invalid token', { body: { authorizationData: [{ authorizationToken: 't0ken' }] } }, 'RESPONSE_INVALID'],
    ['no token', { body: { authorizationData: [] } }, 'RESPONSE_INVALID'],
    [
      'a rejected signature with the signed headers',
      { status: 400, body: { __type: 'InvalidSignatureException', message: 'x-amz-security-token:t0ken' } },
      'AUTHENTICATION_FAILED',
    ],
    ['a server error', { status: 500, body: 't0ken' }, 'SERVER_FAILED'],
  ])('does not quote secrets for %s', async (_what, response, code) => {
    aws.respondWith(response);
    const error = await catchError(provider()(HOST));
    expect(error.code).toBe(code);
    expect(everythingIn(error)).not.toMatch(/t0ken|aws-s3cret/);
  });

  it('fails after the timeout', async () => {
    aws.respondWith('never');
    const error = await catchError(provider({ timeout: 50 })(HOST));
    expect(error.code).toBe('CONNECTION_FAILED');
    expect(error.message).toMatch(/cannot connect to AWS \(ETIMEDOUT\)/);
  });

  it.each([
    ['123456789012.dkr.ecr.us-east-1.amazonaws.com', 'api.ecr.us-east-1.amazonaws.com:443'],
    ['123456789012.dkr.ecr-fips.us-east-1.amazonaws.com', 'api.ecr-fips.us-east-1.amazonaws.com:443'],
    ['123456789012.dkr-ecr.eu-west-1.on.aws', 'ecr.eu-west-1.api.aws:443'],
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'api.ecr.cn-north-1.amazonaws.com.cn:443'],
    ['123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'api.ecr.eusc-de-east-1.amazonaws.eu:443'],
  ])('for %s connects to %s through the proxy of the environment', async (host, api) => {
    const targets: (string | undefined)[] = [];
    const proxy = createServer().on('connect', ({ url }, socket) => {
      targets.push(url);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const env = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    const error = await catchError(ecrCredentials({ credentials: KEYS, env })(host));
    expect(error.code).toBe('CONNECTION_FAILED');
    expect(targets).toEqual([api]);
    await new Promise((resolve) => proxy.close(resolve));
  });

  it('reports that AWS cannot be reached', async () => {
    await aws.stop();
    const error = await catchError(provider()(HOST));
    expect(error.code).toBe('CONNECTION_FAILED');
    expect(error.message).toMatch(/ECONNREFUSED.*VPC endpoint/);
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(everythingIn(error)).not.toContain(KEYS.secretAccessKey);
    aws = await startAwsApi();
  });
});

describe('an AWS SDK that cannot be loaded', () => {
  const esbuild = new Error('Dynamic require of "node:https" is not supported');

  it('is reported with the cause and a remedy', async () => {
    const error = await catchError(loadSdk(() => Promise.reject(esbuild)));
    expect(error.code).toBe('SDK_UNAVAILABLE');
    expect(error.message).toBe(
      'cannot load the AWS SDK: Dynamic require of "node:https" is not supported; ' +
        'if this program is a bundle, see "Bundling" in the README of @soci/ecr',
    );
    expect(error.cause).toBe(esbuild);
  });

  it.each([
    ['esbuild', esbuild],
    ['Node.js', Object.assign(new Error('Cannot find package x'), { code: 'ERR_MODULE_NOT_FOUND' })],
    ['webpack', Object.assign(new Error('Loading chunk 7 failed'), { name: 'ChunkLoadError' })],
  ])('is recognized during a call from an error of %s', async (_tool, cause) => {
    const error = await catchError(ecrCredentials({ credentials: () => Promise.reject(cause) })(HOST));
    expect(error.code).toBe('SDK_UNAVAILABLE');
    expect(error.cause).toBe(cause);
  });
});

describe('ecrCredentials without AWS credentials', () => {
  let folder: HomeFolder;
  beforeEach(async () => {
    folder = await createHomeFolder();
    for (const name of Object.keys(process.env).filter((key) => key.startsWith('AWS_'))) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('HOME', folder.path);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await folder.remove();
  });

  it('reports missing credentials with a remedy', async () => {
    const error = await catchError(ecrCredentials({ endpoint: 'http://127.0.0.1:9' })(HOST));
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/no AWS credentials found: .* set AWS_PROFILE, .* use an IAM role .*us-east-1/);
  });

  it('reports an expired SSO session', async () => {
    const config = `[profile dev]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\nregion = us-east-1\n[sso-session s]\nsso_start_url = https://sso.example/start\nsso_region = us-east-1\n`;
    vi.stubEnv('AWS_CONFIG_FILE', await folder.write('.aws/config', config));
    vi.stubEnv('AWS_PROFILE', 'dev');
    const error = await catchError(ecrCredentials({ endpoint: 'http://127.0.0.1:9' })(HOST));
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(error.message).toMatch(/log in again with aws sso login/);
  });

  it('does not quote the command line of a credential_process', async () => {
    vi.stubEnv(
      'AWS_CONFIG_FILE',
      await folder.write('.aws/config', '[profile p]\ncredential_process = false --key s3cret\n'),
    );
    vi.stubEnv('AWS_PROFILE', 'p');
    const error = await catchError(ecrCredentials({ endpoint: 'http://127.0.0.1:9' })(HOST));
    expect(error.code).toBe('AUTHENTICATION_FAILED');
    expect(everythingIn(error)).not.toContain('s3cret');
  });
});

describe('ecrPublicCredentials', () => {
  let aws: AwsApi;
  beforeEach(async () => {
    aws = await startAwsApi();
  });
  afterEach(() => aws.stop());

  const provider = () =>
    ecrPublicCredentials({ credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 's' }, endpoint: aws.endpoint });

  it('calls the API of ECR Public once for both of its hosts', async () => {
    const authorizationToken = Buffer.from('AWS:p').toString('base64');
    aws.respondWith({ body: { authorizationData: { authorizationToken, expiresAt: Date.now() / 1000 + 43_200 } } });
    const find = provider();
    expect(await find('public.ecr.aws')).toMatchObject({ kind: 'password', username: 'AWS', password: 'p' });
    expect(await find('ecr-public.aws.com')).toMatchObject({ password: 'p' });
    expect(aws.calls.map(({ target }) => target)).toEqual(['SpencerFrontendService.GetAuthorizationToken']);
  });

  it('returns undefined for other hosts', async () => {
    expect(await provider()('123456789012.dkr.ecr.us-east-1.amazonaws.com')).toBeUndefined();
    expect(aws.calls).toEqual([]);
  });

  it('reports both required permissions', async () => {
    aws.respondWith({ status: 400, body: { __type: 'AccessDeniedException', message: 'no' } });
    const error = await catchError(provider()('public.ecr.aws'));
    expect(error.code).toBe('ACCESS_DENIED');
    expect(error.message).toMatch(/ecr-public:GetAuthorizationToken with sts:GetServiceBearerToken/);
  });
});
