import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';
import { loginAdvice } from '../terminal/login-advice.ts';

const start = useTestRegistries();
const folder = temporaryFolder();
const PASSWORD = 'correct-horse-battery';
const account = { username: 'me', password: PASSWORD };

async function startWith(options: Parameters<typeof start>[0]): Promise<TestRegistry> {
  const registry = await start(options);
  await registry.loadLayout('app', goldenLayoutPath('single-oci'), 'v1');
  return registry;
}

describe('credentials', () => {
  it('can come from the command line and standard input', async () => {
    const registry = await startWith({ auth: account });
    const argv = ['inspect', '-q', '--username', 'me', '--password-stdin', `${registry.host}/app:v1`];
    expect(await runCli(argv, { stdin: `${PASSWORD}\n` })).toMatchObject({ code: 0, stderr: '' });
  });

  it('can come from a file in docker format', async () => {
    const registry = await startWith({ auth: account });
    const authfile = join(folder, 'auth.json');
    const auth = Buffer.from(`me:${PASSWORD}`).toString('base64');
    writeFileSync(authfile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const argv = ['inspect', '-q', '--authfile', authfile, `${registry.host}/app:v1`];
    expect(await runCli(argv)).toMatchObject({ code: 0, stderr: '' });
  });

  it('are looked for elsewhere, with a warning, if a credential helper fails', async () => {
    const registry = await startWith({ auth: account });
    const authfile = join(folder, 'helpers.json');
    const helper = join(folder, 'docker-credential-broken');
    writeFileSync(helper, '#!/bin/sh\necho "no active account" >&2\nexit 1\n', { mode: 0o755 });
    const auth = Buffer.from(`me:${PASSWORD}`).toString('base64');
    for (const [auths, code] of [
      [{ [registry.host]: { auth } }, 0],
      [{}, 1],
    ] as const) {
      writeFileSync(authfile, JSON.stringify({ auths, credsStore: 'broken' }));
      const run = await runCli(['inspect', '--authfile', authfile, `${registry.host}/app:v1`], {
        env: { PATH: `${folder}:/bin:/usr/bin` },
      });
      expect(run.code).toBe(code);
      expect(run.stderr).toMatch(
        /^warning: docker-credential-broken failed for .* \(exit code 1\): no active account\./,
      );
      expect(run.stderr.match(/warning:/g)).toHaveLength(1);
      if (code === 1) expect(run.stderr).toContain('[AUTHENTICATION_FAILED]');
    }
  });

  it('that are wrong or missing cause an error with advice, and are never printed', async () => {
    const registry = await startWith({ auth: account });
    const login = ['--username', 'me', '--password-stdin'];
    for (const options of [[], login]) {
      const run = await runCli(['inspect', '--json', '--debug', ...options, `${registry.host}/app:v1`], {
        stdin: 'wrong-horse-battery',
      });
      expect(run.code).toBe(1);
      expect(run.stderr).toContain('[AUTHENTICATION_FAILED]');
      expect(run.stderr).toContain('--password-stdin');
      const [{ error }] = jsonLines<{ error: object }>(run) as [{ error: object }];
      expect(error).toMatchObject({ code: 'AUTHENTICATION_FAILED', status: 401, remedy: expect.any(String) });
      const encoded = Buffer.from('me:wrong-horse-battery').toString('base64');
      for (const secret of ['wrong-horse-battery', encoded]) expect(run.stdout + run.stderr).not.toContain(secret);
    }
  });

  it('that are missing cause an error with the commands that log in to this host', async () => {
    const registry = await startWith({ auth: account });
    for (const command of [['inspect'], ['convert', '--dry-run'], ['create'], ['verify'], ['ls'], ['cat']]) {
      const operands = { convert: [`${registry.host}/app:x`], cat: ['file'] }[command[0] as string] ?? [];
      const run = await runCli([...command, '--json', `${registry.host}/app:v1`, ...operands]);
      expect(run.code).toBe(1);
      const lines = run.stderr.split('\n');
      for (const login of [
        `docker login ${registry.host}`,
        `podman login ${registry.host}`,
        `aws ecr get-login-password | docker login --username AWS --password-stdin ${registry.host}`,
      ]) {
        expect(
          lines.some((line) => line.trim().startsWith(login)),
          login,
        ).toBe(true);
        expect(jsonLines<{ error: { remedy: string } }>(run)[0]?.error.remedy).toContain(login);
      }
    }
  });

  it.each([
    [{ AWS_PROFILE: 'dev' }, 'the profile dev (AWS_PROFILE)', ' --profile dev'],
    [{ AWS_ACCESS_KEY_ID: 'AKIA-SECRET', AWS_SECRET_ACCESS_KEY: 'key-SECRET' }, 'in AWS_ACCESS_KEY_ID', ''],
    [{ AWS_WEB_IDENTITY_TOKEN_FILE: '/token' }, 'AWS_WEB_IDENTITY_TOKEN_FILE', ''],
    [{ AWS_PROFILE: "a'b\nc" }, 'the profile a', " --profile 'a'\\''b\\nc'"],
    [{}, 'the default profile', ''],
  ])('of AWS are named if Amazon ECR rejects them: %j', (env, source, option) => {
    const host = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    const advice = loginAdvice(host, env);
    expect(advice).toContain(source);
    const password = `aws ecr get-login-password --region eu-west-1${option} | `;
    for (const line of [
      `  aws sso login${option}\n`,
      `  aws configure${option}\n`,
      `  ${password}docker login --username AWS --password-stdin ${host}\n`,
      `  ${password}podman login --username AWS --password-stdin ${host}\n`,
    ])
      expect(advice).toContain(line);
    expect(advice).not.toContain('SECRET');
    expect(loginAdvice('public.ecr.aws', env)).toContain('aws ecr-public get-login-password --region us-east-1');
  });

  it('of Amazon ECR work with redirects and are not printed', async () => {
    const registry = await startWith({ auth: 'ecr', redirects: true });
    const { username, password } = registry.credentials;
    const argv = ['cat', '--username', username, '--password-stdin', `${registry.host}/app:v1`, 'block513'];
    const run = await runCli([...argv, '--debug'], { stdin: password });
    expect(run.code).toBe(0);
    expect(run.bytes).toHaveLength(513);
    expect(run.stderr).toContain(`GET http://${registry.host}/v2/app/manifests/v1  200`);
    expect(run.stderr).not.toContain(password);
    expect(run.stderr).toContain('/blobs/sha256:');
    expect(run.stderr).not.toContain('X-Amz');
    expect(registry.requests.some(({ port, authorization }) => port === 'storage' && authorization)).toBe(false);
  });

  it('are exchanged for tokens at the token service, for one repository or two', async () => {
    const registry = await startWith({ auth: { bearer: { user: account } } });
    const images = [`${registry.host}/app:v1`, `${registry.host}/copy/app:v1`];
    const argv = ['convert', '--jobs', '1', '--min-layer-size', '0', '--username', 'me', '--password-stdin'];
    const run = await runCli([...argv, ...images], { stdin: PASSWORD });
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(registry.checkGraph('copy/app', 'v1')).toEqual([]);
    // The configuration and four layers. New content cannot be mounted.
    const mounted = registry.requests.filter(({ query, status }) => query.includes('mount=') && status === 201);
    expect(mounted).toHaveLength(5);
  });

  it('are rejected if standard input is empty', async () => {
    const argv = ['inspect', '--username', 'me', '--password-stdin', 'registry.example/app'];
    const run = await runCli(argv, { stdin: '\n' });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('no password on standard input');
  });
});

describe('TLS', () => {
  it('trusts a certificate of --ca-file', async () => {
    const registry = await startWith({ tls: true });
    const file = join(folder, 'ca.pem');
    writeFileSync(file, registry.ca ?? '');
    expect(await runCli(['inspect', '-q', '--ca-file', file, `${registry.host}/app:v1`])).toMatchObject({ code: 0 });
  });

  it('presents the client certificate of --cert-file and --key-file', async () => {
    const registry = await startWith({ tls: true, clientCertificate: true, redirects: true });
    const files = { ca: registry.ca, cert: registry.clientIdentity?.cert, key: registry.clientIdentity?.key };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `mutual-${name}.pem`), text ?? '');
    const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => [`--${name}-file`, join(folder, `mutual-${name}.pem`)]);
    const image = `${registry.host}/app:v1`;
    const login = [...(ca ?? []), ...(cert ?? []), ...(key ?? [])];
    expect(await runCli(['cat', ...login, image, 'block513'])).toMatchObject({ code: 0, stderr: '' });

    const without = await runCli(['inspect', ...(ca ?? []), '--retry-times', '0', image]);
    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toContain('[TLS_FAILED]');
    expect(without.stderr).toContain('--cert-file');

    expect((await runCli(['inspect', ...(cert ?? []), image])).stderr).toContain('must be used together');
    const swapped = await runCli(['inspect', ...(cert ?? []), '--key-file', cert?.[1] ?? '', image]);
    expect(swapped.stderr).toContain('has no unencrypted PEM private key');
  });

  it('fails without the certificate, with advice', async () => {
    const registry = await startWith({ tls: true });
    const run = await runCli(['inspect', `${registry.host}/app:v1`]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('[TLS_FAILED]');
    expect(run.stderr).toContain('--ca-file');
    const file = join(folder, 'no.pem');
    writeFileSync(file, 'not a certificate');
    expect((await runCli(['inspect', '--ca-file', file, `${registry.host}/app:v1`])).stderr).toContain('-----BEGIN');
  });
});

describe('a registry', () => {
  it('without the image causes NOT_FOUND', async () => {
    const registry = await startWith({});
    for (const name of ['app:v9', 'none:v1']) {
      const run = await runCli(['inspect', `${registry.host}/${name}`]);
      expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(run.stderr).toContain('[NOT_FOUND]');
      expect(run.stderr).toContain(name.split(':')[0]);
    }
  });

  it('that cannot be reached causes an error after the requested number of retries', async () => {
    const run = await runCli(['inspect', '--plain-http', '--retry-times', '0', '127.0.0.1:1/app:v1']);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('[CONNECTION_FAILED]');
  });

  it('that fails temporarily is tried again', async () => {
    const registry = await startWith({});
    const fault = registry.inject({ on: { path: 'manifests' }, times: 2, fault: { kind: 'status', status: 503 } });
    expect(await runCli(['inspect', '-q', `${registry.host}/app:v1`])).toMatchObject({ code: 0 });
    expect(fault.hits).toBe(2);
  });

  it('that stalls is tried again after the requested time', async () => {
    const registry = await startWith({});
    const fault = registry.inject({ on: { path: 'manifests' }, fault: { kind: 'stall' } });
    const run = await runCli(['inspect', '-q', '--stall-timeout', '1', `${registry.host}/app:v1`]);
    expect(run).toMatchObject({ code: 0 });
    expect(fault.hits).toBe(1);
  });

  it('that denies the request is quoted in the error', async () => {
    const registry = await startWith({});
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'not on Sundays' }] });
    registry.inject({ times: Number.POSITIVE_INFINITY, fault: { kind: 'status', status: 403, body } });
    const run = await runCli(['inspect', '--json', `${registry.host}/app:v1`]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('not on Sundays');
    expect(jsonLines(run)).toEqual([
      {
        error: expect.objectContaining({
          code: 'ACCESS_DENIED',
          status: 403,
          request: `GET http://${registry.host}/v2/app/manifests/v1`,
          refusals: [{ code: 'DENIED', message: 'not on Sundays' }],
        }),
      },
    ]);
  });
});
