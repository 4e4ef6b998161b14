import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseProfile } from '@soci/index';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const root = temporaryFolder();
let folder = '';
let file = '';
let testNumber = 0;

beforeEach(() => {
  folder = join(root, String(testNumber++));
  mkdirSync(folder);
  file = join(folder, 'start.txt');
  writeFileSync(file, '# python\nusr/bin/python3\n/app/main.py\n');
});

/** The fields of `--json` that the tests use. */
interface Pushed {
  readonly digest: string;
  readonly manifest: { readonly digest: string };
}

const PROFILE = { files: [{ path: '/app/main.py' }, { path: '/usr/bin/python3' }] };

describe('profile push and profile show', () => {
  it('store a profile with a repository and print it in canonical form', async () => {
    const { host, tags } = await start({ ecr: true, autoCreate: true, immutableTags: true });
    const pushed = await runCli(['profile', 'push', `${host}/app`, file]);
    expect(pushed, pushed.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(pushed.stdout).toMatch(new RegExp(`^${host}/app  sha256:[0-9a-f]{64}\nProfile of 2 files.\n$`));
    expect(tags('app')).toEqual(['soci-profile']);
    const shown = await runCli(['profile', 'show', `docker://${host}/app`]);
    expect(shown.stdout).toBe(
      '{"schemaVersion":1,"files":[\n{"path":"/app/main.py"},\n{"path":"/usr/bin/python3"}\n]}\n',
    );
    expect(parseProfile(shown.bytes)).toEqual(PROFILE);
  });

  it('print one object with --json, and the digest with --quiet', async () => {
    const { host } = await start();
    const [pushed] = jsonLines<Pushed>(await runCli(['profile', 'push', '--json', `${host}/app`, file]));
    expect(pushed).toMatchObject({ destination: `${host}/app`, outcome: 'pushed', files: 2 });
    expect(pushed).not.toHaveProperty('dryRun');
    const [shown] = jsonLines(await runCli(['profile', 'show', '--json', `${host}/app`]));
    expect(shown).toEqual({
      source: `${host}/app`,
      digest: pushed?.digest,
      manifest: pushed?.manifest.digest,
      created: expect.stringMatching(/^20\d\d-.*Z$/),
      profile: PROFILE,
    });
    const quiet = { code: 0, stdout: `${pushed?.digest}\n` };
    expect(await runCli(['profile', 'show', '-q', `${host}/app`])).toMatchObject(quiet);
    expect(await runCli(['profile', 'push', '-q', `${host}/app`, file])).toMatchObject(quiet);
    const again = await runCli(['profile', 'push', `${host}/app`, file]);
    expect(again.stdout).toContain('Already stored: 2 files.');
  });

  it('use a layout directory, whose only image stays the only image', async () => {
    const layout = join(folder, 'app');
    cpSync(goldenLayoutPath('single-oci'), layout, { recursive: true });
    const before = (await runCli(['inspect', '-q', `oci:${layout}`])).stdout;
    const pushed = await runCli(['profile', 'push', `oci:${layout}`, file]);
    expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
    expect((await runCli(['profile', 'show', `oci:${layout}`])).stdout).toContain('/usr/bin/python3');
    expect(await runCli(['inspect', '-q', `oci:${layout}`])).toMatchObject({ code: 0, stdout: before });
    const converted = await runCli([
      'convert',
      '--min-layer-size',
      '0',
      '--jobs',
      '1',
      `oci:${layout}`,
      `oci:${layout}:soci`,
    ]);
    expect(converted, converted.stderr).toMatchObject({ code: 0 });
  });

  it.each(['registry', 'layout'])('write nothing in a dry run, and list what they would write: %s', async (kind) => {
    const registry = await start({ ecr: true });
    registry.createRepository('app');
    const layout = join(folder, 'app');
    cpSync(goldenLayoutPath('single-oci'), layout, { recursive: true });
    const index = readFileSync(join(layout, 'index.json'));
    const to = kind === 'registry' ? `${registry.host}/app` : `oci:${layout}`;
    const dry = await runCli(['profile', 'push', '--dry-run', '--json', to, file]);
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    expect(readFileSync(join(layout, 'index.json'))).toEqual(index);
    expect(jsonLines(dry)).toEqual([expect.objectContaining({ outcome: 'pushed', dryRun: true })]);
    const text = await runCli(['profile', 'push', '--dry-run', to, file]);
    expect(text.stdout).toContain('file.content.v1+json');
    expect(text.stdout).toContain('Dry run: nothing was written.');
  });

  it('escape what they print', async () => {
    const { host } = await start();
    writeFileSync(file, '/a\u001b[31m\u202eb\n');
    await runCli(['profile', 'push', `${host}/app`, file]);
    const { stdout, bytes } = await runCli(['profile', 'show', `${host}/app`]);
    expect(stdout).toContain('"/a\\u001b[31m\\u202eb"');
    expect(parseProfile(bytes).files).toEqual([{ path: '/a\u001b[31m\u202eb' }]);
  });

  it('fail if no profile is stored, or a bad one', async () => {
    const { host } = await start();
    const none = await runCli(['profile', 'show', `${host}/app`]);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain(`${host}/app has no stored profile [PROFILE_NOT_FOUND]`);
    expect(none.stderr).toContain(`soci-index profile push ${host}/app FILE`);
    writeFileSync(file, '{"schemaVersion":7}');
    const bad = await runCli(['profile', 'push', `${host}/app`, file]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain(`${file}, schemaVersion: 7 is not supported`);
    expect(bad.stderr).toContain('[PROFILE_INVALID]');
  });

  it.each([
    ['registry.example/app:v1', 'a profile belongs to a repository, not to one image', 'Write registry.example/app.'],
    [`registry.example/app@sha256:${'0'.repeat(64)}`, 'a profile belongs to a repository', 'registry.example/app'],
    ['oci:app:v1', 'a profile belongs to a repository, not to one image', 'Write oci:app.'],
    ['oci:app:@0', 'a profile belongs to a repository, not to one image', 'Write oci:app.'],
    ['oci-archive:app.tar', 'an archive cannot have a profile', 'Use HOST/REPO or oci:DIR.'],
    ['docker-archive:app.tar', 'docker-archive', ''],
    ['app', 'missing transport or registry host', ''],
  ])('reject %s', async (name, message, remedy) => {
    for (const argv of [
      ['profile', 'push', name, file],
      ['profile', 'show', name],
    ]) {
      const { code, stderr } = await runCli(argv);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
      expect(stderr).toContain(remedy);
    }
  });

  it('fail for a file that does not exist, is too large, or is not a profile', async () => {
    expect((await runCli(['profile', 'push', 'oci:app', join(folder, 'none')])).stderr).toContain('no such file');
    writeFileSync(file, '/usr/lib/file\n'.repeat(1_000_000));
    expect((await runCli(['profile', 'push', 'oci:app', file])).stderr).toContain('the limit for a profile');
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00]));
    expect((await runCli(['profile', 'push', 'oci:app', file])).stderr).toContain('line 1: not UTF-8');
  });
});
