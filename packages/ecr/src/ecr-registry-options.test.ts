import { expect, it } from 'vitest';
import { ecrRegistryOptions } from './ecr-registry-options.ts';

const GIVEN = { username: 'joe', password: 's3cret' };
const describe = (host: string) => {
  const { credentials, ...known } = ecrRegistryOptions(host, GIVEN);
  return { hasCredentials: credentials !== undefined, ...known };
};

it('knows that ECR wants Basic and takes no single POST', () => {
  expect(describe('123456789012.dkr.ecr.eu-west-1.amazonaws.com')).toEqual({
    hasCredentials: true,
    authScheme: 'basic',
    singlePost: false,
    credentialsHint: expect.stringContaining('those of account 123456789012'),
  });
});

it('says which permissions pushing to ECR Public needs, and asks it which scheme it wants', () => {
  expect(describe('public.ecr.aws')).toEqual({
    hasCredentials: true,
    credentialsHint: expect.stringContaining('ecr-public:GetAuthorizationToken'),
  });
});

it('knows nothing of other hosts but the credentials', () => {
  expect(describe('harbor.example:5000')).toEqual({ hasCredentials: true });
});
