// The handler as it is deployed: the generator's zip with another way in, in a process that speaks Lambda's Runtime API, answering
// over HTTPS.
import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GENERATOR_BUNDLE } from '../bundles.ts';
import type { CloudFormationRequest } from '../cloudformation/answer-cloudformation.ts';
import { type AnswerAddress, startAnswerAddress } from './fixtures/answer-address.ts';

const FUNCTION = 'SociIndexedImageFunction';

let registry: TestRegistry;
let lambda: TestLambda;
let address: AnswerAddress;

beforeEach(async () => {
  registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
  lambda = await startTestLambda();
  address = await startAnswerAddress();
  lambda.createFunction({
    name: FUNCTION,
    folder: GENERATOR_BUNDLE.folder,
    handler: 'deploy.handler',
    timeout: 60,
    memorySize: 1769,
    environment: {
      NODE_EXTRA_CA_CERTS: address.caFile,
      soci_registry_host: registry.host,
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    },
  });
  await pushImage(registry, 'app', 'v1', makeImage([makeLayer('base'), makeLayer('app')]));
});

afterEach(() => Promise.all([registry.stop(), lambda.stop(), address.stop()]));

/** Has CloudFormation ask, and gives the answer. */
async function ask(RequestType: CloudFormationRequest['RequestType'], properties: object = {}, id?: unknown) {
  const request: CloudFormationRequest = {
    RequestType,
    ResponseURL: address.url,
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Image',
    ResourceProperties: { repositoryName: 'app', image: 'v1', minLayerSize: '1000', ...properties },
    ...(id !== undefined && { PhysicalResourceId: String(id) }),
  };
  lambda.enqueue(FUNCTION, request);
  await lambda.idle();
  expect(lambda.abandoned).toEqual([]);
  return address.answers.at(-1) ?? {};
}

it('indexes an image, and deletes its index', async () => {
  const created = await ask('Create');
  const digest = registry.manifest('app', 'v1-soci')?.digest;
  expect(created).toMatchObject({ Status: 'SUCCESS', Data: { imageDigest: digest, outcome: 'indexed' } });
  expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
  expect(await ask('Delete', {}, created.PhysicalResourceId)).toMatchObject({ Status: 'SUCCESS' });
  expect(registry.tags('app')).toEqual(['v1']);
  expect(address.answers).toHaveLength(2);
  const log = lambda.invocations.flatMap((invocation) => invocation.log).join('\n');
  expect(log).toContain('"service":"soci-indexed-image"');
  expect(log).not.toContain('X-Amz-Signature');
});

it('calls itself for an index that nobody waits for', async () => {
  expect(await ask('Create', { wait: 'false' })).toMatchObject({ Status: 'SUCCESS', Data: { outcome: 'started' } });
  expect(lambda.invocations).toHaveLength(2);
  expect(address.answers).toHaveLength(1);
  expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
});

it('answers what is wrong with its environment too', async () => {
  expect(await ask('Create', { spanSize: 'large' })).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('soci_span_size is "large"'),
  });
});
