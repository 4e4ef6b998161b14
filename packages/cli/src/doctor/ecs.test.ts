// `--ecs`: a task from the API of Amazon ECS, with the client of the AWS SDK.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestRegistry } from '@soci/test-registry';
import { expect, it, onTestFinished, vi } from 'vitest';
import { multiPlatformImage, putInto, runDoctor, runWell, usualImage } from '../fixtures/doctor-images.ts';
import { runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();

const ARN = 'arn:aws:ecs:eu-west-1:123456789012:task/prod/0123456789abcdef';

/** Starts an API of Amazon ECS with one task. */
async function startEcs(task: object): Promise<void> {
  const server = createServer((_, response) => {
    const body = { tasks: [{ taskArn: ARN, launchType: 'FARGATE', platformVersion: '1.4.0', ...task }], failures: [] };
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    vi.unstubAllEnvs();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_ECS', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'key');
}

async function startIndexed(): Promise<{ readonly registry: TestRegistry; readonly image: string }> {
  const registry = await start();
  await putInto(registry, 'prod/app', 'v1', usualImage());
  const image = `${registry.host}/prod/app:v1-soci`;
  await runWell('convert', '-q', '--jobs', '1', `${registry.host}/prod/app:v1`, image);
  return { registry, image };
}

it('deployed-before-index: the task runs the digest that the tag had before', async () => {
  const { registry, image } = await startIndexed();
  const imageDigest = registry.manifest('prod/app', 'v1')?.digest;
  await startEcs({ group: 'service:web', containers: [{ name: 'app', image, imageDigest }] });
  const { code, cause, first } = await runDoctor(['--ecs', 'prod/0123456789abcdef', image]);
  expect({ code, cause }).toEqual({ code: 4, cause: 'deployed-before-index' });
  expect(first?.remedy.join('\n')).toContain('--service web --force-new-deployment');
});

it.each([
  ['Windows', { platformFamily: 'WINDOWS_SERVER_2022_CORE' }],
  ['platform version 1.3.0', { platformVersion: '1.3.0' }],
  ['Managed Instances', { launchType: 'MANAGED_INSTANCES' }],
])('task-unsupported: %s', async (_, task) => {
  const { registry, image } = await startIndexed();
  const imageDigest = registry.manifest('prod/app', 'v1-soci')?.digest;
  await startEcs({ ...task, containers: [{ name: 'app', image, imageDigest }] });
  const { code, findings } = await runDoctor(['--ecs', ARN, image]);
  expect(code).toBe(4);
  expect(findings.map(({ cause }) => cause)).toContain('task-unsupported');
});

it('platform-not-indexed: the CPU architecture of the task', async () => {
  const registry = await start();
  await putInto(registry, 'prod/app', 'v1', multiPlatformImage());
  const image = `${registry.host}/prod/app:v1-soci`;
  await runWell('convert', '-q', '--platform', 'linux/amd64', `${registry.host}/prod/app:v1`, image);
  const imageDigest = registry.manifest('prod/app', 'v1-soci')?.digest;
  const attributes = [{ name: 'ecs.cpu-architecture', value: 'arm64' }];
  await startEcs({ attributes, containers: [{ name: 'app', image, imageDigest }] });
  expect(await runDoctor(['--ecs', ARN, image])).toMatchObject({ code: 4, cause: 'platform-not-indexed' });
});

it('rejects a task that runs other images, and what is not a task', async () => {
  const { image } = await startIndexed();
  await startEcs({ containers: [{ name: 'app', image: 'registry.example/other:v1' }] });
  expect(await runCli(['doctor', '--ecs', ARN, image])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/runs no image of .*prod\/app. It runs "registry.example\/other:v1"/),
  });
  for (const name of ['prod', 'prod/', '/0123', 'arn:aws:ecs:eu-west-1:123456789012:cluster/prod', '../x/0123']) {
    expect(await runCli(['doctor', '--ecs', name, image])).toMatchObject({ code: 2 });
  }
});
