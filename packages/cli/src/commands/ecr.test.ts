import { goldenLayoutPath } from '@soci/test-content';
import { expect, it, vi } from 'vitest';
import { useForwardProxies } from '../fixtures/forward-proxy.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const startProxy = useForwardProxies();
const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

it('connects to Amazon ECR by its host name, with credentials of the AWS SDK', async () => {
  const registry = await start({ auth: 'ecr', ecr: true, account: '123456789012', region: 'eu-west-1' });
  await registry.loadLayout('team/app', goldenLayoutPath('single-oci'), 'v1');
  const proxy = await startProxy(registry.host);
  // The AWS SDK reads the environment of the process. Everything else uses the environment of the run.
  const aws = {
    AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'key',
  };
  for (const [name, value] of Object.entries(aws)) vi.stubEnv(name, value);
  const env = { ...aws, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
  try {
    const argv = ['convert', '--json', '--plain-http', '--jobs', '1', '--min-layer-size', '0'];
    const images = [`${HOST}/team/app:v1`, `${HOST}/team/app:v1-soci`];
    const first = await runCli([...argv, '--debug', ...images], { env });
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(registry.checkGraph('team/app', 'v1-soci')).toEqual([]);
    expect(new Set(proxy.hosts.map((host) => host.replace(/:80$/, '')))).toEqual(new Set([HOST]));
    expect(first.stdout + first.stderr).not.toContain(registry.credentials.password);

    registry.clearRequests();
    const again = await runCli([...argv, ...images], { env });
    expect(jsonLines(again)).toEqual([expect.objectContaining({ outcome: 'current' })]);
    // One call for a token and three requests. ECR uses Basic authentication, so no request is answered with 401.
    expect(registry.requests.map(({ port, method, status }) => `${port} ${method} ${status}`)).toEqual([
      'aws POST 200',
      'registry GET 200',
      'registry GET 200',
      'registry GET 200',
    ]);
  } finally {
    vi.unstubAllEnvs();
  }
});

it('tells an archived image from a missing one', async () => {
  const registry = await start({ auth: 'ecr', ecr: true, account: '123456789012', region: 'eu-west-1' });
  await registry.loadLayout('team/app', goldenLayoutPath('single-oci'), 'v1');
  registry.archive('team/app', 'v1');
  const proxy = await startProxy(registry.host);
  const aws = {
    AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'key',
  };
  for (const [name, value] of Object.entries(aws)) vi.stubEnv(name, value);
  const env = { ...aws, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' };
  const run = (command: string, ...images: string[]) => runCli([command, '--json', '--plain-http', ...images], { env });
  try {
    const [archived, missing] = [`${HOST}/team/app:v1`, `${HOST}/team/app:v2`];
    for (const [command, ...images] of [
      ['convert', archived, `${archived}-soci`],
      ['inspect', archived],
    ] as const) {
      const result = await run(command, ...images);
      expect(result.code).toBe(1);
      expect(result.stdout + result.stderr).toContain('"IMAGE_ARCHIVED"');
    }
    const result = await run('convert', missing, `${missing}-soci`);
    expect(result.stdout + result.stderr).toContain('"NOT_FOUND"');
  } finally {
    vi.unstubAllEnvs();
  }
});
