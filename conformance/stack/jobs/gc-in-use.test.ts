// `soci-index gc --in-use ecs:CLUSTER` with the Amazon ECS of moto: what runs or can be started again is kept.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../../registries/run-program.ts';
import { REPORTS } from '../../run-report.ts';
import { findTool } from '../../tools/tools.ts';
import { ACCOUNT, REGION } from '../aws/aws-calls.ts';
import { type Moto, startMoto } from '../aws/moto.ts';

const CLI = fileURLToPath(new URL('../../../packages/cli/bin/soci-index.js', import.meta.url));
const HOST = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;

/** Images that only the cluster protects, and how it uses them. */
const USED = ['task-by-tag', 'task-by-digest', 'idle-service', 'updated-service', 'idle-task-set'];

describe.skipIf(findTool('moto') === undefined)('images in use by an Amazon ECS cluster', () => {
  let moto: Moto;
  let registry: TestRegistry;

  const run = (...words: string[]) =>
    runProgram(process.execPath, [CLI, ...words, '--plain-http', `${HOST}/app`], {
      env: {
        AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
        AWS_ENDPOINT_URL_ECS: moto.aws.url,
        AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'key',
        HTTP_PROXY: registry.url,
        NO_PROXY: '127.0.0.1',
      },
    });
  const gc = (name: string, ...lists: string[]) => {
    const inUse = lists.flatMap((list) => ['--in-use', list]);
    const undo = join(REPORTS.stack.folder, `${name}.jsonl`);
    return run('gc', '--json', '--older-than', '0d', '--delete', '--undo', undo, ...inUse);
  };
  const ecs = <Result = unknown>(action: string, input: object) =>
    moto.aws.json<Result>('ecs', `AmazonEC2ContainerServiceV20141113.${action}`, input);
  const define = (family: string, image: string) =>
    ecs('RegisterTaskDefinition', { family, containerDefinitions: [{ name: 'main', image, memory: 64 }] });
  const runTask = (taskDefinition: string) =>
    ecs('RunTask', { cluster: 'web', taskDefinition, launchType: 'FARGATE', count: 1 });

  beforeAll(async () => {
    moto = await startMoto();
    registry = await startTestRegistry({ auth: 'ecr', ecr: true, account: ACCOUNT, region: REGION });
    registry.createRepository('app');
    for (const tag of [...USED, 'unused', 'kept']) await pushImage(registry, 'app', tag, makeImage([makeLayer(tag)]));
    const state = join(REPORTS.stack.folder, 'gc-in-use-state.jsonl');
    const words = ['--min-layer-size', '0', '--rate', '1000/s', '--force', '--state', state];
    expect(await run('backfill', ...words)).toMatchObject({ code: 0 });

    for (const clusterName of ['web', 'empty']) await ecs('CreateCluster', { clusterName });
    const digest = registry.manifest('app', 'task-by-digest-soci')?.digest;
    await define('task-by-digest', `${HOST}/app@${digest}`);
    for (const tag of USED.filter((each) => each !== 'task-by-digest')) await define(tag, `${HOST}/app:${tag}-soci`);
    await define('sidecar', 'public.ecr.aws/docker/library/nginx:1');
    await runTask('task-by-tag');
    await runTask('task-by-digest');
    const create = (serviceName: string, taskDefinition: string) =>
      ecs('CreateService', { cluster: 'web', serviceName, taskDefinition, desiredCount: 0, launchType: 'FARGATE' });
    await create('idle', 'idle-service');
    await create('updated', 'sidecar');
    await ecs('UpdateService', { cluster: 'web', service: 'updated', taskDefinition: 'updated-service' });
    const deploymentController = { type: 'EXTERNAL' };
    await ecs('CreateService', { cluster: 'web', serviceName: 'sets', desiredCount: 0, deploymentController });
    await ecs('CreateTaskSet', { cluster: 'web', service: 'sets', taskDefinition: 'idle-task-set' });

    for (const tag of [...USED, 'unused']) {
      const imageDigest = registry.manifest('app', tag)?.digest;
      const input = { repositoryName: 'app', imageIds: [{ imageDigest }] };
      await fetch(registry.awsEndpoint, {
        method: 'POST',
        headers: {
          authorization: `AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/${REGION}/ecr/aws4_request, SignedHeaders=host, Signature=x`,
          'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.BatchDeleteImage',
        },
        body: JSON.stringify(input),
      });
    }
    expect(registry.tags('app')).toEqual(
      [...USED, 'unused', 'kept']
        .map((tag) => `${tag}-soci`)
        .concat('kept')
        .sort(),
    );
  }, 300_000);
  afterAll(async () => {
    await registry.stop();
    await moto.stop();
  });

  test.each([
    ['does not exist', ['ecs:missing'], 'the Amazon ECS cluster missing does not exist'],
    ['is empty', ['ecs:empty'], 'the Amazon ECS cluster empty has no tasks and no services'],
    ['is one of several, and the other one does not exist', ['ecs:web', 'ecs:missing'], 'missing does not exist'],
  ])('nothing is deleted if the cluster %s', async (name, lists, message) => {
    const before = registry.tags('app');
    const { code, stderr } = await gc(name, ...lists);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(registry.tags('app')).toEqual(before);
  });

  test('only what no task runs, and no service can start, is deleted', async () => {
    const { code, stdout, stderr } = await gc('in-use', 'ecs:web');
    expect(code, stderr).toBe(0);
    const { results } = JSON.parse(stdout.toString()) as {
      readonly results: readonly { readonly tags: readonly string[]; readonly outcome: string }[];
    };
    expect(results.map(({ tags, outcome }) => [tags, outcome])).toEqual([
      [['unused-soci'], 'deleted'],
      [[], 'deleted'],
      [[], 'deleted'],
    ]);
    expect(registry.tags('app')).toEqual(
      [...USED, 'kept']
        .map((tag) => `${tag}-soci`)
        .concat('kept')
        .sort(),
    );
    for (const tag of [...USED, 'kept']) expect(registry.checkGraph('app', `${tag}-soci`)).toEqual([]);
  });
});
