import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ecrPublicCredentials } from './ecr-public-credentials.ts';
import { type AwsApi, startAwsApi } from './fixtures/aws-api.ts';
import { caught } from './fixtures/caught.ts';

describe('ecrPublicCredentials', () => {
  let aws: AwsApi;
  beforeEach(async () => {
    aws = await startAwsApi();
  });
  afterEach(() => aws.stop());

  const provider = () =>
    ecrPublicCredentials({ credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 's' }, endpoint: aws.endpoint });

  it('asks the API of ECR Public, once for both of its names', async () => {
    const authorizationToken = Buffer.from('AWS:p').toString('base64');
    aws.answer({ body: { authorizationData: { authorizationToken, expiresAt: Date.now() / 1000 + 43_200 } } });
    const find = provider();
    expect(await find('public.ecr.aws')).toMatchObject({ kind: 'password', username: 'AWS', password: 'p' });
    expect(await find('ecr-public.aws.com')).toMatchObject({ password: 'p' });
    expect(aws.calls.map(({ target }) => target)).toEqual(['SpencerFrontendService.GetAuthorizationToken']);
  });

  it('has nothing for other hosts', async () => {
    expect(await provider()('123456789012.dkr.ecr.us-east-1.amazonaws.com')).toBeUndefined();
    expect(aws.calls).toEqual([]);
  });

  it('names both permissions that are needed', async () => {
    aws.answer({ status: 400, body: { __type: 'AccessDeniedException', message: 'no' } });
    const error = await caught(provider()('public.ecr.aws'));
    expect(error.code).toBe('ACCESS_DENIED');
    expect(error.message).toMatch(/ecr-public:GetAuthorizationToken with sts:GetServiceBearerToken/);
  });
});
