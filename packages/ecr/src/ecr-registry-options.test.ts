import { createHomeFolder, type HomeFolder } from '@soci/test-content/vitest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DefaultCredentialsOptions, defaultCredentials, ecrRegistryOptions } from './ecr-registry-options.ts';
import { type AwsApi, startAwsApi } from './fixtures/aws-api.ts';
import { caught } from './fixtures/caught.ts';

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
  const giveTokens = () => {
    const authorizationToken = Buffer.from('AWS:aws').toString('base64');
    aws.answer({ body: { authorizationData: [{ authorizationToken, expiresAt: Date.now() / 1000 + 43_200 }] } });
  };
  const refuse = () => aws.answer({ status: 400, body: { __type: 'AccessDeniedException', message: 'no' } });

  it('takes the name and password that are given, for whatever host, and asks nobody', async () => {
    giveTokens();
    await folder.write('.docker/config.json', { auths: { [OTHER]: auth('docker') } });
    const given = { username: 'joe', password: 'given' };
    expect([await find(ECR, given), await find(OTHER, given)]).toEqual(['given', 'given']);
    expect(aws.calls).toEqual([]);
  });

  it("asks AWS for ECR before docker's files, and docker's files for others", async () => {
    giveTokens();
    await folder.write('.docker/config.json', { auths: { [ECR]: auth('old'), [OTHER]: auth('docker') } });
    expect([await find(ECR), await find(OTHER), await find('none.example')]).toEqual(['aws', 'docker', undefined]);
    expect(aws.calls).toHaveLength(1);
  });

  it("takes the file that is given before AWS, and in place of docker's", async () => {
    giveTokens();
    await folder.write('.docker/config.json', { auths: { [OTHER]: auth('docker') } });
    const authFile = await folder.write('auth.json', { auths: { [ECR]: auth('file') } });
    expect([await find(ECR, { authFile }), await find(OTHER, { authFile })]).toEqual(['file', undefined]);
    const other = await folder.write('other.json', { auths: {} });
    expect(await find(ECR, { authFile: other })).toBe('aws');
  });

  it("takes docker's files for ECR where AWS gives nothing, and else says why AWS does not", async () => {
    refuse();
    expect((await caught(find(ECR))).code).toBe('ACCESS_DENIED');
    await folder.write('.docker/config.json', { auths: { [ECR]: auth('docker') } });
    expect(await find(ECR)).toBe('docker');
  });

  it('goes to ECR Public as anybody where AWS gives nothing', async () => {
    refuse();
    expect(await find(PUBLIC)).toBeUndefined();
    await folder.write('.docker/config.json', { auths: { [PUBLIC]: auth('docker') } });
    expect(await find(PUBLIC)).toBe('docker');
  });

  it('ends with the reason of the signal, and does not go on to docker', async () => {
    await folder.write('.docker/config.json', { auths: { [ECR]: auth('docker') } });
    const reason = new Error('enough');
    await expect(create()(ECR, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it.each([
    [{ username: 'joe' }, /name and a password are needed together/],
    [{ password: 'p' }, /name and a password are needed together/],
    [{ username: 'jo:e', password: 'p' }, /no colon/],
  ])('refuses %j', (options, message) => {
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

  it('knows that ECR wants Basic and takes no single POST', () => {
    expect(known('123456789012.dkr.ecr.eu-west-1.amazonaws.com')).toEqual({
      hasCredentials: true,
      authScheme: 'basic',
      singlePost: false,
      credentialsHint: expect.stringContaining('those of account 123456789012'),
    });
  });

  it('says which permissions pushing to ECR Public needs, and asks it which scheme it wants', () => {
    expect(known('public.ecr.aws')).toEqual({
      hasCredentials: true,
      credentialsHint: expect.stringContaining('ecr-public:GetAuthorizationToken'),
    });
  });

  it('knows nothing of other hosts but the credentials', () => {
    expect(known('harbor.example:5000')).toEqual({ hasCredentials: true });
  });
});
