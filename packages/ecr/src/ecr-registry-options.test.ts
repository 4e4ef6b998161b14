import { createHomeFolder, type HomeFolder } from '@soci/test-content/vitest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DefaultCredentialsOptions, defaultCredentials, ecrRegistryOptions } from './ecr-registry-options.ts';
import { type AwsApi, startAwsApi } from './fixtures/aws-api.ts';
import { catchError } from './fixtures/catch-error.ts';

const ECR = '123456789012.dkr.ecr.us-east-1.amazonaws.com';
const PUBLIC = 'public.ecr.aws';
const OTHER = 'registry.example';
const auth = (password: string) => ({ auth: Buffer.from(`joe:${password}`).toString('base64') });

describe('defaultCredentials', () => {
  let folder: HomeFolder;
  let aws: AwsApi;
  beforeEach(async () => {
    folder = await createHomeFolder();
    aws = await startAwsApi();
  });
  afterEach(async () => {
    await aws.stop();
    await folder.remove();
  });

  const create = (options: DefaultCredentialsOptions = {}) =>
    defaultCredentials({
      env: folder.env,
      aws: { endpoint: aws.endpoint, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
      ...options,
    });
  const find = async (host: string, options: DefaultCredentialsOptions = {}) => {
    const found = await create(options)(host);
    return found?.kind === 'password' ? found.password : found;
  };
  const issueTokens = () => {
    const authorizationToken = Buffer.from('AWS:aws').toString('base64');
    aws.respondWith({ body: { authorizationData: [{ authorizationToken, expiresAt: Date.now() / 1000 + 43_200 }] } });
  };
  const denyTokens = () => aws.respondWith({ status: 400, body: { __type: 'AccessDeniedException', message: 'no' } });

  it('uses a given user name and password for every host, without calling AWS', async () => {
    issueTokens();
    await folder.write('.docker/config.json', { auths: { [OTHER]: auth('docker') } });
    const given = { username: 'joe', password: 'given' };
    expect([await find(ECR, given), await find(OTHER, given)]).toEqual(['given', 'given']);
    expect(aws.calls).toEqual([]);
  });

  it('prefers AWS for ECR hosts, and uses the files of docker for others', async () => {
    issueTokens();
    await folder.write('.docker/config.json', { auths: { [ECR]: auth('old'), [OTHER]: auth('docker') } });
    expect([await find(ECR), await find(OTHER), await find('none.example')]).toEqual(['aws', 'docker', undefined]);
    expect(aws.calls).toHaveLength(1);
  });

  it('prefers authFile to AWS, and uses it instead of the files of docker', async () => {
    issueTokens();
    await folder.write('.docker/config.json', { auths: { [OTHER]: auth('docker') } });
    const authFile = await folder.write('auth.json', { auths: { [ECR]: auth('file') } });
    expect([await find(ECR, { authFile }), await find(OTHER, { authFile })]).toEqual(['file', undefined]);
    const other = await folder.write('other.json', { auths: {} });
    expect(await find(ECR, { authFile: other })).toBe('aws');
  });

  it('falls back to the files of docker for ECR, or rejects with the error of AWS', async () => {
    denyTokens();
    expect((await catchError(find(ECR))).code).toBe('ACCESS_DENIED');
    await folder.write('.docker/config.json', { auths: { [ECR]: auth('docker') } });
    expect(await find(ECR)).toBe('docker');
  });

  it('accesses ECR Public anonymously if AWS returns no token', async () => {
    denyTokens();
    expect(await find(PUBLIC)).toBeUndefined();
    await folder.write('.docker/config.json', { auths: { [PUBLIC]: auth('docker') } });
    expect(await find(PUBLIC)).toBe('docker');
  });

  it('rejects with the reason of the signal, without falling back to docker', async () => {
    await folder.write('.docker/config.json', { auths: { [ECR]: auth('docker') } });
    const reason = new Error('aborted');
    await expect(create()(ECR, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it.each([
    [{ username: 'joe' }, /a user name and a password are required/],
    [{ password: 'p' }, /a user name and a password are required/],
    [{ username: 'jo:e', password: 'p' }, /must not contain a colon/],
  ])('rejects %j', (options, message) => {
    expect(() => create(options)).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }));
    expect(() => create(options)).toThrowError(message);
  });
});

describe('ecrRegistryOptions', () => {
  const GIVEN = { username: 'joe', password: 's3cret' };
  const known = (host: string) => {
    const { credentials, ...others } = ecrRegistryOptions(host, GIVEN);
    return { hasCredentials: credentials !== undefined, ...others };
  };

  it('sets Basic authentication and no single POST for ECR', () => {
    expect(known('123456789012.dkr.ecr.eu-west-1.amazonaws.com')).toEqual({
      hasCredentials: true,
      authScheme: 'basic',
      singlePost: false,
      credentialsHint: expect.stringContaining('AWS credentials of account 123456789012'),
    });
  });

  it('sets a hint about permissions, but no scheme for ECR Public', () => {
    expect(known('public.ecr.aws')).toEqual({
      hasCredentials: true,
      credentialsHint: expect.stringContaining('ecr-public:GetAuthorizationToken'),
    });
  });

  it('sets only the credentials for other hosts', () => {
    expect(known('harbor.example:5000')).toEqual({ hasCredentials: true });
  });
});
