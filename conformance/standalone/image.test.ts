import { chmodSync, cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry } from '@soci/test-registry';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ProgramRun, runProgram, runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';
import { hasTools, toolPath } from '../tools/tools.ts';
import {
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
const bundle = join(temp, 'bundle');
const shared = join(temp, 'shared');
/** Where containers see {@link shared}. */
const WORK = '/work';

/** The part of a runtime's configuration that the tests change. */
interface RuntimeConfig {
  readonly process: {
    readonly terminal: boolean;
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly user: { readonly uid: number; readonly gid: number };
  };
  readonly root: { readonly readonly?: boolean };
  readonly mounts: readonly object[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
}

let unpacked: RuntimeConfig;
let containers = 0;

/** What a container gets in addition to the configuration of its image. */
interface ContainerOptions {
  readonly env?: readonly string[];
  /** User and group. @default those of the image */
  readonly user?: number;
  readonly mounts?: readonly object[];
}

/**
 * Runs the image without capabilities, with a read-only root, the network of this machine, and {@link shared} as
 * {@link WORK}.
 */
async function runContainer(args: readonly string[], options: ContainerOptions = {}): Promise<ProgramRun> {
  containers += 1;
  const { process: started, mounts, linux, root } = unpacked;
  const { env = [], user } = options;
  const config = {
    ...unpacked,
    process: {
      ...started,
      terminal: false,
      args: [...started.args, ...args],
      env: [...started.env, ...env],
      user: user === undefined ? started.user : { uid: user, gid: user },
      capabilities: {},
      noNewPrivileges: true,
    },
    root: { ...root, readonly: true },
    mounts: [...mounts, bind(shared, WORK, 'rw'), ...(options.mounts ?? [])],
    linux: { ...linux, namespaces: linux.namespaces.filter(({ type }) => type !== 'network') },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return runProgram(toolPath('runc'), ['run', '--bundle', bundle, `soci-test-${process.pid}-${containers}`]);
}

function bind(source: string, destination: string, access: 'ro' | 'rw'): object {
  return { source, destination, type: 'bind', options: ['bind', access] };
}

const archive = () => builtFile('linux-amd64.tar');
describe.skipIf(!hasTools('builder'))('the image (needs Debian 12 on x64)', () => {
  test('has a SOCI index that verifies', async () => {
    const { code, stdout, stderr } = await runProgram(process.execPath, [
      NPM_PROGRAM,
      'verify',
      `oci-archive:${archive()}`,
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout.toString()).toContain('Verification passed.');
  });
});

const canRun = hasTools('builder', 'skopeo', 'umoci', 'runc') && process.getuid?.() === 0;
describe.skipIf(!canRun)('the image in other tools (needs root, runc, skopeo and umoci)', () => {
  beforeAll(async () => {
    mkdirSync(shared);
    // Containers have another user.
    chmodSync(shared, 0o777);
    const layout = join(temp, 'layout');
    await runWell(toolPath('skopeo'), [
      'copy',
      '--quiet',
      `oci-archive:${archive()}:soci-index:${version()}`,
      `oci:${layout}:image`,
    ]);
    await runWell(toolPath('umoci'), ['unpack', '--image', `${layout}:image`, bundle]);
    unpacked = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as RuntimeConfig;
    // The image's own arguments (`--help`) are those of a run without any.
    unpacked = { ...unpacked, process: { ...unpacked.process, args: unpacked.process.args.slice(0, 2) } };
  });

  test('is copied with its index from the OCI layout, and without it as a Docker archive', async () => {
    const skopeo = toolPath('skopeo');
    await runWell(skopeo, [
      'copy',
      '--all',
      '--quiet',
      `oci-archive:${archive()}:soci-index:${version()}`,
      `dir:${join(temp, 'all')}`,
    ]);
    const index = JSON.parse(readFileSync(join(temp, 'all', 'manifest.json'), 'utf8'));
    expect(index.manifests).toHaveLength(2);
    const { Labels, Env } = JSON.parse(String(await runWell(skopeo, ['inspect', `docker-archive:${archive()}`])));
    expect(Labels).toMatchObject({ 'org.opencontainers.image.version': version() });
    expect(Env).toContain('SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt');
    await runWell(skopeo, ['copy', '--quiet', `docker-archive:${archive()}`, `dir:${join(temp, 'docker')}`]);
  });

  test('names its Debian packages for scanners, with their licenses', () => {
    const root = join(bundle, 'rootfs');
    for (const name of ['base-files', 'ca-certificates', 'libc6', 'libgcc-s1', 'libstdc++6']) {
      expect(readFileSync(join(root, 'var/lib/dpkg/status.d', name), 'utf8')).toMatch(/^Version: \d/m);
      expect(readFileSync(join(root, 'usr/share/doc', name, 'copyright'), 'utf8')).toContain('opyright');
    }
    expect(readFileSync(join(root, 'usr/share/doc/nodejs/LICENSE'), 'utf8')).toContain('Node.js is licensed');
    expect(readFileSync(join(root, 'etc/os-release'), 'utf8')).toContain('VERSION_ID="12"');
    const certificates = readFileSync(join(root, 'etc/ssl/certs/ca-certificates.crt'), 'latin1');
    expect(certificates.match(/^-----BEGIN CERTIFICATE-----\n/gm)?.length).toBeGreaterThan(100);
  });

  test('prints its version as a user that is not root', async () => {
    expect(unpacked.process.user).toMatchObject({ uid: 65532, gid: 65532 });
    expect(await runContainer(['--version'])).toMatchObject({
      code: 0,
      stdout: Buffer.from(`soci-index ${version()}\n`),
    });
    const [inContainer, installed] = (await compareTimes(
      5,
      () => runContainer(['--version']),
      () => runWell(process.execPath, [NPM_PROGRAM, '--version']),
    )) as [number, number];
    // runc prepares namespaces and mounts.
    REPORTS.standalone.measured('container image', {
      'MB, compressed': statSync(archive()).size / 1e6,
      'ms to print the version, with runc': inContainer,
      'relative to the npm package': inContainer / installed,
    });
  });

  test('inspects an image in a registry over TLS', async () => {
    const registry = await startTlsRegistry();
    try {
      writeFileSync(join(shared, 'authority.pem'), registry.ca ?? '');
      const image = `${registry.host}/team/app:v1`;
      const given = await runContainer(['inspect', '--ca-file', `${WORK}/authority.pem`, image]);
      expect(given, given.stderr).toMatchObject({ code: 0 });
      expect(given.stdout.toString()).toContain('linux/arm64');
      expect(
        await runContainer(['inspect', image], { env: [`NODE_EXTRA_CA_CERTS=${WORK}/authority.pem`] }),
      ).toMatchObject({
        code: 0,
      });
      expect((await runContainer(['inspect', '--retry-times', '0', image])).stderr).toContain('certificate');
    } finally {
      await registry.stop();
    }
  });

  test('converts a layout to the same files as the npm package', async () => {
    cpSync(SOURCE, join(shared, 'source'), { recursive: true });
    const { code, stderr } = await runContainer([...CONVERT, `oci:${WORK}/source`, `oci:${WORK}/result:v1`]);
    expect(code, stderr).toBe(0);
    expect(statSync(join(shared, 'result', 'index.json')).uid).toBe(65532);
    expect(digestsIn(join(shared, 'result'))).toEqual(await convertWithNpmPackage(join(temp, 'npm')));
  });

  test('runs as another user, with a credential helper that is mounted', async () => {
    const registry = await startTestRegistry({ auth: { username: 'user', password: 'secret' } });
    try {
      await registry.loadLayout('team/app', SOURCE, 'v1');
      const { username: Username, password: Secret } = registry.credentials;
      const folder = join(temp, 'settings');
      mkdirSync(folder);
      chmodSync(folder, 0o755);
      const helper = join(temp, 'docker-credential-test');
      const answer = JSON.stringify({ ServerURL: registry.host, Username, Secret });
      writeFileSync(helper, `#!/usr/bin/node\nprocess.stdout.write(${JSON.stringify(answer)});\n`);
      chmodSync(helper, 0o755);
      writeFileSync(join(folder, 'config.json'), JSON.stringify({ credHelpers: { [registry.host]: 'test' } }));
      const mounts = [bind(folder, '/docker', 'ro'), bind(helper, '/usr/bin/docker-credential-test', 'ro')];
      const options = { user: 1234, env: ['DOCKER_CONFIG=/docker'], mounts };
      const { code, stderr } = await runContainer(['inspect', '--plain-http', `${registry.host}/team/app:v1`], options);
      expect(code, stderr).toBe(0);
      expect(stderr).toBe('');
    } finally {
      await registry.stop();
    }
  });
});
