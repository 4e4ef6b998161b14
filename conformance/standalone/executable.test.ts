import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry } from '@soci/test-registry';
import { describe, expect, test } from 'vitest';
import { type ProgramRun, runProgram, runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';
import { hasTools, toolPath } from '../tools/tools.ts';
import {
  BUILD_TIMEOUT,
  builtFile,
  CONVERT,
  compareTimes,
  convertWithNpmPackage,
  digestsIn,
  NPM_PROGRAM,
  SOURCE,
  startTlsRegistry,
  version,
} from './programs.ts';

const temp = temporaryFolder();
/** No Node.js on PATH, and no home folder. */
const ALONE = { PATH: '/nonexistent', HOME: '/nonexistent' };

/** Runs the executable with nothing but these variables. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ProgramRun> {
  return runProgram(builtFile('linux-x64'), args, { env: { ...ALONE, ...env } });
}

describe.skipIf(!hasTools('builder'))('the executable (needs Debian 12 on x64)', () => {
  test('prints the version of the npm package', async () => {
    expect(await run(['--version'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: Buffer.from(`soci-index ${version()}\n`),
    });
    expect(builtFile('linux-x64')).toContain(`soci-index-${version()}-linux-x64`);
  });

  test('starts with the code cache of V8, without which a start takes 1.5 times as long', async () => {
    // Node.js warns if there is no code cache, or if V8 rejects it, as with this flag.
    const rejected = await run(['--version'], { NODE_OPTIONS: '--stack-trace-limit=5' });
    expect(rejected).toMatchObject({ code: 0, stderr: expect.stringContaining('Code cache data rejected') });
    expect(await run(['--version'])).toMatchObject({ code: 0, stderr: '' });
    const executable = builtFile('linux-x64');
    const [alone, installed, empty] = (await compareTimes(
      5,
      () => runWell(executable, ['--version']),
      () => runWell(process.execPath, [NPM_PROGRAM, '--version']),
      () => runWell(process.execPath, ['-e', '0']),
    )) as [number, number, number];
    REPORTS.standalone.measured('executable', {
      MB: statSync(executable).size / 1e6,
      'ms to print the version': alone,
      'relative to the npm package': alone / installed,
      'relative to node -e 0': alone / empty,
    });
  });

  test('converts an image with two threads to the same files as the npm package', async () => {
    // Each new thread prints a line, so that a run in the calling thread does not pass.
    const trace = join(temp, 'trace.cjs');
    writeFileSync(trace, "process.on('worker', () => process.stderr.write('[thread]'));");
    const images = [`oci:${SOURCE}`, `oci:${join(temp, 'executable')}:v1`];
    const { code, stderr } = await run([...CONVERT, ...images], { NODE_OPTIONS: `--require ${trace}` });
    expect(code, stderr).toBe(0);
    expect(stderr.split('[thread]')).toHaveLength(3);
    expect(digestsIn(join(temp, 'executable'))).toEqual(await convertWithNpmPackage(join(temp, 'npm')));
  });

  test('reads a registry over TLS', async () => {
    const registry = await startTlsRegistry();
    try {
      const authority = join(temp, 'authority.pem');
      writeFileSync(authority, registry.ca ?? '');
      const image = `${registry.host}/team/app:v1`;
      expect(await run(['inspect', '--ca-file', authority, image])).toMatchObject({ code: 0, stderr: '' });
      expect(await run(['inspect', image], { NODE_EXTRA_CA_CERTS: authority })).toMatchObject({ code: 0 });
      expect((await run(['inspect', '--retry-times', '0', image])).stderr).toContain('certificate');
    } finally {
      await registry.stop();
    }
  });

  test('gets a token for Amazon ECR with the AWS SDK', async () => {
    const registry = await startTestRegistry({ auth: 'ecr', ecr: true, account: '123456789012', region: 'eu-west-1' });
    // A proxy, because credentials of Amazon ECR are only for its host names.
    const proxy = createServer((incoming, response) => {
      const [host, port] = registry.host.split(':');
      const { method = 'GET', headers, url = '' } = incoming;
      const path = new URL(url).pathname;
      incoming.pipe(
        request({ host, port, path, method, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        }),
      );
    });
    try {
      await registry.loadLayout('team/app', SOURCE, 'v1');
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { code, stderr } = await run(
        ['inspect', '--plain-http', '123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1'],
        {
          AWS_ENDPOINT_URL_ECR: registry.awsEndpoint,
          AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
          AWS_SECRET_ACCESS_KEY: 'key',
          HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
          NO_PROXY: '127.0.0.1',
        },
      );
      expect(code, stderr).toBe(0);
      expect(registry.requests.map(({ port }) => port)).toContain('aws');
    } finally {
      proxy.closeAllConnections();
      proxy.close();
      await registry.stop();
    }
  });

  test('contains the licenses of Node.js and of the bundled packages, which are also a file', () => {
    const licenses = readFileSync(builtFile('.LICENSES.txt'), 'utf8');
    for (const words of ['Node.js 24.', 'OpenSSL', '@noble/hashes', '@aws-sdk/client-ecr', 'commander']) {
      expect(licenses.includes(words), words).toBe(words !== 'commander');
    }
    expect(readFileSync(builtFile('linux-x64')).includes(licenses)).toBe(true);
  });
});

test('the npm package prints its version without code of commands or of the network', async () => {
  const scripts = await scriptsOf([NPM_PROGRAM, '--version']);
  const ours = scripts.filter((url) => url.startsWith('file:'));
  expect(ours).toContain(pathToFileURL(NPM_PROGRAM).href);
  // 79 KB of 1.9 MB.
  expect(ours.reduce((sum, url) => sum + statSync(fileURLToPath(url)).size, 0)).toBeLessThan(100_000);
  expect(scripts).toContain('node:fs');
  for (const name of ['http', 'https', 'tls', 'zlib', 'child_process']) expect(scripts).not.toContain(`node:${name}`);
});

/** Returns the URLs of the scripts that Node.js loads for a command line, those of its own modules included. */
async function scriptsOf(args: readonly string[]): Promise<string[]> {
  const folder = join(temp, 'coverage');
  await runWell(process.execPath, args, { env: { NODE_V8_COVERAGE: folder } });
  const [file = ''] = readdirSync(folder);
  const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { result: { readonly url: string }[] };
  return result.map(({ url }) => url);
}

describe.skipIf(!hasTools('builder'))('docs/executable-and-image.md (needs Debian 12 on x64)', () => {
  test('lists the files with their sizes', () => {
    const page = readFileSync(new URL('../../docs/executable-and-image.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(soci-index-\S+)` +\|.*\| ([\d.]+) MB +\|$/gm)];
    const folder = dirname(builtFile('linux-x64'));
    expect(rows.map(([, name = '']) => name.replace('VERSION', version())).sort()).toEqual(readdirSync(folder).sort());
    for (const [, name = '', size] of rows) {
      const megabytes = statSync(join(folder, name.replace('VERSION', version()))).size / 1e6;
      expect(Math.abs(Number(size) - megabytes), name).toBeLessThan(0.1 + megabytes / 10);
    }
  });
});

describe.skipIf(!hasTools('builder'))('the builder (needs Debian 12 on x64)', () => {
  test('writes the same bytes again', { timeout: BUILD_TIMEOUT }, async () => {
    const again = join(temp, 'again');
    await runWell(process.execPath, [toolPath('builder'), again], { timeout: BUILD_TIMEOUT });
    expect(digestsIn(again)).toEqual(digestsIn(dirname(builtFile('linux-x64'))));
    // Nor does the result depend on the folder of the repository.
    expect(readFileSync(builtFile('linux-x64')).includes(dirname(NPM_PROGRAM))).toBe(false);
  });
});
