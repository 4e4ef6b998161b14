import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  dockerArchive,
  dockerLayoutArchive,
  goldenLayoutPath,
  hasProgram,
  type SavedImage,
  tarOf,
} from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { startTestRegistry } from '@soci/test-registry';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const folder = temporaryFolder();
const app: SavedImage = {
  names: ['team/app:v1'],
  layers: [tarOf({ 'etc/os-release': 'ID=debian\n' }), tarOf({ 'app/main.js': 'console.log(1)\n' })],
};
const ubuntu: SavedImage = { names: ['ubuntu:latest'], layers: [tarOf({ 'etc/os-release': 'ID=ubuntu\n' })] };
const fast = ['--jobs', '1', '--min-layer-size', '0'];
const pathOf = (name: string) => join(folder, name);

/** Writes an image in the format of `dir:`. */
function writeDirectory(name: string): void {
  cpSync(join(goldenLayoutPath('single-oci'), 'blobs', 'sha256'), pathOf(name), { recursive: true });
  const manifest = readdirSync(pathOf(name)).find((file) => file.startsWith('cee6bd22')) ?? '';
  renameSync(join(pathOf(name), manifest), join(pathOf(name), 'manifest.json'));
  writeFileSync(join(pathOf(name), 'version'), 'Directory Transport Version: 1.1\n');
}

beforeAll(() => {
  writeFileSync(pathOf('old.tar'), dockerArchive([ubuntu, app]));
  writeFileSync(pathOf('new.tar'), dockerLayoutArchive([ubuntu, app]));
  writeFileSync(pathOf('app.tar'), dockerArchive([app]));
  writeFileSync(pathOf('app.tar.gz'), gzipSync(dockerArchive([app])));
  writeFileSync(pathOf('zstd'), zstdCompressSync(dockerLayoutArchive([app])));
  writeDirectory('directory');
});

const SOURCES: readonly (readonly [source: string, path: string])[] = [
  ['docker-archive:old.tar:team/app:v1', 'app/main.js'],
  ['docker-archive:old.tar:@1', 'app/main.js'],
  ['docker-archive:old.tar:ubuntu', 'etc/os-release'],
  ['docker-archive:new.tar:docker.io/team/app:v1', 'app/main.js'],
  ['docker-archive:app.tar', 'app/main.js'],
  ['docker-archive:app.tar.gz', 'app/main.js'],
  ['docker-archive:zstd', 'app/main.js'],
  ['oci-archive:zstd:v1', 'app/main.js'],
  ['oci-archive:new.tar:team/app:v1', 'app/main.js'],
  ['dir:directory', 'usr/bin/f00000-wgjrngs'],
];

describe.each(SOURCES)('%s', (source, path) => {
  const from = source.replace(':', `:${folder}/`);

  it('is read by inspect, ls and cat', async () => {
    expect(await runCli(['inspect', from])).toMatchObject({ code: 0, stdout: expect.stringContaining('linux/amd64') });
    expect((await runCli(['ls', '--quiet', from, '/'])).stdout).toContain(path.split('/')[0]);
    expect(await runCli(['cat', from, path])).toMatchObject({ code: 0 });
  });

  it('is converted to a layout, an archive and a registry, and the result is right', async () => {
    const registry = await startTestRegistry({ autoCreate: true });
    onTestFinished(() => registry.stop());
    const roots = [];
    for (const to of [`oci:${pathOf('out')}:v1`, `oci-archive:${pathOf('out.tar')}:v1`, `${registry.host}/app:v1`]) {
      const run = await runCli(['convert', '--json', '--force', ...fast, from, to]);
      expect(run, run.stderr).toMatchObject({ code: 0 });
      roots.push(...jsonLines<{ root: unknown }>(run).map(({ root }) => root));
      expect(await runCli(['verify', '--quiet', to])).toMatchObject({ code: 0, stdout: '' });
    }
    expect(new Set(roots.map((root) => JSON.stringify(root))).size).toBe(1);
  });

  it('is copied by create, and cannot be changed in place', async () => {
    const to = `oci-archive:${pathOf('created.tar')}:v1`;
    expect(await runCli(['create', ...fast, from, to])).toMatchObject({ code: 0 });
    expect(await runCli(['verify', '--quiet', to])).toMatchObject({ code: 0 });
    expect(await runCli(['create', ...fast, from])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot add indexes'),
    });
  });
});

describe.skipIf(!hasProgram('skopeo'))('what skopeo wrote is read as the same image (needs skopeo)', () => {
  const layout = (name: string) => `oci:${goldenLayoutPath(name)}`;
  const digestOf = async (source: string) => (await runCli(['inspect', '--quiet', source])).stdout;
  const copy = (...args: string[]) => execFileSync('skopeo', ['copy', '-q', ...args]);

  it.each([
    ['single-oci', []],
    ['single-docker', []],
    ['zstd-only', []],
    ['multi', ['--all']],
  ])('dir: %s', async (name, options) => {
    const to = `dir:${pathOf(`skopeo-${name}`)}`;
    copy(...options, layout(name), to);
    expect(await digestOf(to)).toBe(await digestOf(layout(name)));
    const list = (source: string) => runCli(['ls', '--json', '--platform', 'linux/amd64', source]);
    const [expected, actual] = [await list(layout(name)), await list(to)];
    expect(expected).toMatchObject({ code: 0, stdout: expect.stringContaining('"name"') });
    expect(actual.stdout).toBe(expected.stdout);
  });

  it('oci-archive: compressed with gzip', async () => {
    const file = pathOf('skopeo.tar');
    copy(layout('single-oci'), `oci-archive:${file}:v1`);
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)));
    for (const to of [`oci-archive:${file}:v1`, `oci-archive:${file}.gz`, `oci-archive:${file}.gz:@0`]) {
      expect(await digestOf(to)).toBe(await digestOf(layout('single-oci')));
    }
  });

  it('docker-archive: of a converted image', async () => {
    const [from, to] = [`docker-archive:${pathOf('app.tar')}`, `oci:${pathOf('for-skopeo')}:v1`];
    await runCli(['convert', ...fast, from, to]);
    copy(to, `docker-archive:${pathOf('again.tar')}:team/app:v1`);
    expect(await digestOf(`docker-archive:${pathOf('again.tar')}:team/app:v1`)).toBe(await digestOf(from));
  });
});

describe('an archive on standard input', () => {
  const archive = dockerLayoutArchive([app]);

  it.each(['docker-archive:-', 'docker-archive:-:team/app:v1', 'oci-archive:-:v1'])('is read as %s', async (from) => {
    expect(await runCli(['cat', from, 'app/main.js'], { stdin: archive })).toMatchObject({
      stdout: 'console.log(1)\n',
    });
    expect(await runCli(['cat', from, 'app/main.js'], { stdin: gzipSync(archive) })).toMatchObject({ code: 0 });
  });

  it('is converted, although its layers are read twice', async () => {
    const to = `oci-archive:${pathOf('from-stdin.tar')}:v1`;
    expect(await runCli(['convert', ...fast, 'docker-archive:-', to], { stdin: archive })).toMatchObject({ code: 0 });
    expect(await runCli(['verify', to])).toMatchObject({ code: 0 });
  });

  it('is named in errors', async () => {
    const run = await runCli(['inspect', 'oci-archive:-'], { stdin: 'text' });
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('standard input') });
  });

  it('is not read if it is also the password', async () => {
    const argv = ['convert', 'oci-archive:-', 'registry.example/app:v1', '--username', 'me', '--password-stdin'];
    expect(await runCli(argv, { stdin: archive })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--authfile'),
    });
  });

  it('is not read from a terminal', async () => {
    expect(await runCli(['inspect', 'docker-archive:-'], { stdinIsTerminal: true })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('docker save'),
    });
  });
});

describe('an archive on standard output', () => {
  const from = () => `docker-archive:${pathOf('app.tar')}`;

  it.each([[[]], [['--json']], [['--quiet']]])(
    'is the only output there, with %j: results go to standard error',
    async (options) => {
      const run = await runCli(['convert', ...fast, ...options, from(), 'oci-archive:-:v1']);
      expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('sha256:') });
      const same = `oci-archive:${pathOf('same.tar')}:v1`;
      await runCli(['convert', ...fast, from(), same]);
      expect(await runCli(['inspect', '--quiet', 'oci-archive:-:v1'], { stdin: run.bytes })).toMatchObject({
        stdout: (await runCli(['inspect', '--quiet', same])).stdout,
      });
    },
  );

  it.each([[[]], [['--json']]])('is empty if the command fails, with %j', async (options) => {
    const run = await runCli(['convert', ...options, `docker-archive:${pathOf('missing.tar')}`, 'oci-archive:-']);
    expect(run).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('NOT_FOUND') });
  });

  it('is empty if no layer can be indexed', async () => {
    const run = await runCli(['convert', '--json', from(), 'oci-archive:-']);
    expect(run).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('nothing-to-index') });
  });

  it('is not written to a terminal', async () => {
    const run = await runCli(['convert', ...fast, from(), 'oci-archive:-'], { columns: 80 });
    expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('terminal') });
  });

  it('is a failure if its reader closes the pipe', async () => {
    const run = await runCli(['convert', ...fast, from(), 'oci-archive:-'], { stdoutIsClosed: true });
    expect(run).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('closed it before the archive was complete'),
    });
  });
});

describe('mistakes are answered with the right form', () => {
  it.each([
    ['oci:directory', 'Did you mean dir:'],
    ['docker-archive:directory', 'Did you mean dir:'],
    ['oci:app.tar', 'docker-archive:'],
    ['dir:app.tar', 'docker-archive:'],
    ['oci-archive:app.tar', 'docker-archive:'],
    ['docker-archive:old.tar', '"ubuntu:latest"'],
    ['docker-archive:old.tar:@2', 'there are 2 images'],
    ['docker-archive:old.tar:debian', '"team/app:v1"'],
  ])('%s', async (source, words) => {
    const run = await runCli(['inspect', source.replace(':', `:${folder}/`)]);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining(words) });
  });

  it.each([
    [
      ['inspect', 'docker-daemon:app:v1'],
      'oci-archive:app-oci.tar:v1 && soci-index inspect oci-archive:app-oci.tar:v1',
    ],
    [
      ['convert', '--prefetch-file', '/a b', 'docker-daemon:app', 'oci:out:v1'],
      "&& soci-index convert --prefetch-file '/a b' oci-archive:app-oci.tar:latest oci:out:v1",
    ],
    [['ls', 'containers-storage:app:v1', '/etc'], '&& soci-index ls oci-archive:app-oci.tar:v1 /etc'],
    [['create', 'docker-daemon:app:v1'], 'oci:app-layout:v1 && soci-index create oci:app-layout:v1'],
    [
      ['convert', 'dir:a', 'dir:a'],
      'soci-index convert dir:a oci-archive:image-soci.tar && skopeo copy --all --preserve-digests oci-archive:image-soci.tar dir:a',
    ],
    [['create', 'oci:app', 'docker-daemon:app:v1'], 'soci-index create oci:app oci-archive:app-soci.tar:v1'],
  ])('%j prints the complete commands', async (argv, words) => {
    const run = await runCli(argv);
    expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
    expect(JSON.parse((await runCli([...argv, '--json'])).stdout).error.remedy.replace(' --json', '')).toContain(words);
  });
});
