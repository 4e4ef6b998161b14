import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it, vi } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { fillRegistry, useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const folder = temporaryFolder();
const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

const POLICY = {
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: 'tagged', tagPatternList: ['v*'], countType: 'imageCountMoreThan', countNumber: 10 },
      action: { type: 'expire' },
    },
  ],
};

function policyFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('lifecycle', () => {
  it('explains the rules of a file and proposes others, without requests', async () => {
    const path = policyFile('policy.json', JSON.stringify(POLICY));
    const run = await runCli(['lifecycle', '--policy', path, 'registry.example/app']);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('Rule 1: counts an image and its SOCI-enabled image as two');
    expect(run.stdout).toContain('"countNumber": 20');
  });

  it('reads the rules and the images of a repository', async () => {
    const registry = await start({ auth: 'ecr', ecr: true, account: '123456789012', region: 'eu-west-1' });
    await fillRegistry(registry, { repositories: ['app'], images: 2 });
    const env = {
      AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'key',
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    try {
      const argv = ['lifecycle', '--json', `${HOST}/app`];
      const none = await runCli(argv, { env });
      expect(none, none.stderr).toMatchObject({ code: 0 });
      expect(jsonLines(none)).toEqual([expect.objectContaining({ policy: null, rules: [] })]);

      const headers = {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.PutLifecyclePolicy',
        authorization:
          'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261101/eu-west-1/ecr/aws4_request, SignedHeaders=host, Signature=0',
      };
      const body = JSON.stringify({ repositoryName: 'app', lifecyclePolicyText: JSON.stringify(POLICY) });
      expect((await fetch(registry.awsEndpoint, { method: 'POST', headers, body })).status).toBe(200);
      expect(jsonLines(await runCli(argv, { env }))).toEqual([
        expect.objectContaining({
          policy: POLICY,
          rules: [{ rulePriority: 1, effects: ['counts-both'], images: 2, indexes: 0 }],
        }),
      ]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each([
    [['registry.example/app'], 2, 'is not Amazon ECR'],
    [[`${HOST}/app:v1`], 2, 'a tag or digest is not allowed'],
    [['--policy', join(folder, 'missing.json'), `${HOST}/app`], 1, 'no such file'],
    [['--policy', policyFile('broken.json', '{'), `${HOST}/app`], 1, 'POLICY_INVALID'],
  ])('rejects %s', async (argv, code, message) => {
    const run = await runCli(['lifecycle', ...argv]);
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(message);
  });
});
