import { digestOf } from '@soci/oci';
import { expect, onTestFinished, test } from 'vitest';
import { describeTask } from './describe-task.ts';
import { type AwsResponse, startAwsApi } from './fixtures/aws-api.ts';

const CLUSTER = 'arn:aws:ecs:eu-west-1:123456789012:cluster/web';
const TASK = 'arn:aws:ecs:eu-west-1:123456789012:task/web/0123456789abcdef';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-s3cret' };
const digest = digestOf(Buffer.from('image'));

async function start(response: AwsResponse) {
  const api = await startAwsApi();
  onTestFinished(() => api.stop());
  api.respondWith(() => response);
  return () =>
    describeTask('web', '0123456789abcdef', { region: 'eu-west-1', credentials: KEYS, endpoint: api.endpoint });
}

test('describes a task on AWS Fargate', async () => {
  const containers = [
    { name: 'app', image: 'registry.example/app:v1', imageDigest: digest },
    { name: 'starting', image: 'registry.example/app:v2' },
    { name: 'without an image' },
  ];
  const task = {
    ...{ taskArn: TASK, clusterArn: CLUSTER, group: 'service:shop', launchType: 'FARGATE', platformVersion: '1.4.0' },
    ...{ platformFamily: 'Linux', createdAt: 1_764_410_400, containers },
    attributes: [{ name: 'ecs.cpu-architecture', value: 'arm64' }],
  };
  const describeOne = await start({ body: { tasks: [task], failures: [] } });
  expect(await describeOne()).toEqual({
    arn: TASK,
    cluster: CLUSTER,
    service: 'shop',
    launchType: 'FARGATE',
    platformVersion: '1.4.0',
    platformFamily: 'Linux',
    cpuArchitecture: 'arm64',
    createdAt: 1_764_410_400_000,
    containers: [
      { name: 'app', image: 'registry.example/app:v1', digest },
      { name: 'starting', image: 'registry.example/app:v2' },
    ],
  });
});

test('says that a task does not exist', async () => {
  const describeOne = await start({ body: { tasks: [], failures: [{ arn: TASK, reason: 'MISSING' }] } });
  await expect(describeOne()).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('disappear'),
  });
});

test('says which permission is missing', async () => {
  const describeOne = await start({ status: 400, body: { __type: 'AccessDeniedException', message: 'no' } });
  await expect(describeOne()).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('ecs:DescribeTasks'),
  });
});
