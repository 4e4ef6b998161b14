// Runs the bundled handler `deploy.handler` of the generator in a process with Lambda's Runtime API. Responses go over HTTPS.
import { startTestLambda, type TestLambda } from '@soci/test-aws';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GENERATOR_BUNDLE } from '../bundles.ts';
import type { CloudFormationRequest } from '../cloudformation/send-response.ts';
import { type ResponseEndpoint, startResponseEndpoint } from './fixtures/response-endpoint.ts';

const FUNCTION = 'SociIndexedImageFunction';

let registry: TestRegistry;
let lambda: TestLambda;
let endpoint: ResponseEndpoint;

beforeEach(async () => {
  registry = await startTestRegistry({ auth: 'ecr', ecr: true, autoCreate: true, redirects: true });
  lambda = await startTestLambda();
  endpoint = await startResponseEndpoint();
  lambda.createFunction({
    name: FUNCTION,
    folder: GENERATOR_BUNDLE.folder,
    handler: 'deploy.handler',
    timeout: 60,
    memorySize: 1769,
    environment: {
      NODE_EXTRA_CA_CERTS: endpoint.caFile,
      soci_registry_host: registry.host,
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
    },
  });
  await pushImage(registry, 'app', 'v1', makeImage([makeLayer('base'), makeLayer('app')]));
});

afterEach(() => Promise.all([registry.stop(), lambda.stop(), endpoint.stop()]));

/** Sends a request like CloudFormation and returns the response. */
async function sendRequest(RequestType: CloudFormationRequest['RequestType'], properties: object = {}, id?: unknown) {
  const request: CloudFormationRequest = {
    RequestType,
    ResponseURL: endpoint.url,
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Image',
    ResourceProperties: { repositoryName: 'app', image: 'v1', minLayerSize: '1000', ...properties },
    ...(id !== undefined && { PhysicalResourceId: String(id) }),
  };
  lambda.enqueue(FUNCTION, request);
  await lambda.idle();
  expect(lambda.abandoned).toEqual([]);
  return endpoint.responses.at(-1) ?? {};
}

it('creates an index and deletes it', async () => {
  const created = await sendRequest('Create');
  const digest = registry.manifest('app', 'v1-soci')?.digest;
  expect(created).toMatchObject({ Status: 'SUCCESS', Data: { imageDigest: digest, outcome: 'indexed' } });
  expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
  expect(await sendRequest('Delete', {}, created.PhysicalResourceId)).toMatchObject({ Status: 'SUCCESS' });
  expect(registry.tags('app')).toEqual(['v1']);
  expect(endpoint.responses).toHaveLength(2);
  const log = lambda.invocations.flatMap((invocation) => invocation.log).join('\n');
  expect(log).toContain('"service":"soci-indexed-image"');
  expect(log).not.toContain('X-Amz-Signature');
});

it('invokes itself to create an index in the background', async () => {
  expect(await sendRequest('Create', { wait: 'false' })).toMatchObject({
    Status: 'SUCCESS',
    Data: { outcome: 'started' },
  });
  expect(lambda.invocations).toHaveLength(2);
  expect(endpoint.responses).toHaveLength(1);
  expect(registry.checkGraph('app', 'v1-soci')).toEqual([]);
});

it('reports faults of its properties', async () => {
  expect(await sendRequest('Create', { spanSize: 'large' })).toMatchObject({
    Status: 'FAILED',
    Reason: expect.stringContaining('soci_span_size is "large"'),
  });
});
