import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';
import type { PlannedWrite } from '../transports/dry-run.ts';

const start = useTestRegistries();
const root = temporaryFolder();
let folder = '';
let testNumber = 0;
const FAST = ['--jobs', '1', '--min-layer-size', '0'];

beforeEach(() => {
  folder = join(root, String(testNumber++));
  mkdirSync(folder);
  cpSync(goldenLayoutPath('single-oci'), join(folder, 'app'), { recursive: true });
});

/** The fields of `--json` that the tests use. */
interface Planned {
  readonly outcome: string;
  readonly dryRun?: boolean;
  readonly tags: readonly string[];
  readonly root?: { readonly digest: string };
  readonly indexes: readonly { readonly digest: string }[];
  readonly writes: readonly PlannedWrite[];
}

/** Returns all files of the test with their content. */
function snapshot(): unknown {
  const paths = readdirSync(folder, { recursive: true }).map(String).sort();
  return paths.map((path) => {
    const file = join(folder, path);
    return [path, statSync(file).isFile() ? readFileSync(file).toString('base64') : ''];
  });
}

const inFolder = (image: string) => image.replace(/^(oci|oci-archive):(?!-)/, `$1:${folder}/`);

describe('a dry run in a registry', () => {
  it.each([
    ['convert', 'app:v1', 'app:v1-soci'],
    ['convert', 'app:v1', 'copy/app:v1'],
    ['convert --verify --tag stable', 'app:v1', 'app'],
    ['convert --recompress-tar', 'app:v1', 'app:v1-soci'],
    ['convert --overwrite-source', 'app:v1', 'app:v1'],
    ['create', 'app:v1', undefined],
    ['create', 'app:v1', 'copy/app:v1'],
  ])('sends only GET and HEAD, and lists what the real run writes: %s %s %s', async (command, from, to) => {
    const registry = await start();
    await registry.loadLayout('app', goldenLayoutPath('multi-annotated'), 'v1');
    const [name = '', ...options] = command.split(' ');
    const images = [from, to].flatMap((image) => (image === undefined ? [] : [`${registry.host}/${image}`]));
    const argv = [name, '--json', ...FAST, ...options, ...images];
    registry.clearRequests();
    const dry = await runCli([...argv, '--dry-run']);
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);

    registry.clearRequests();
    const [planned] = jsonLines<Planned>(dry);
    const [real] = jsonLines<Planned>(await runCli(argv));
    expect(planned).toMatchObject({
      outcome: 'indexed',
      dryRun: true,
      tags: real?.tags,
      indexes: real?.indexes,
      ...(real?.root && { root: real.root }),
    });
    expect(real).not.toHaveProperty('dryRun');
    const [blobs, mounted] = [new Set<string>(), new Set<string>()];
    for (const { method, path, query, status } of registry.requests) {
      if (status !== 201) continue;
      const params = new URLSearchParams(query);
      if (method === 'PUT' && path.includes('/blobs/')) blobs.add(params.get('digest') ?? '');
      if (method === 'POST' && params.has('mount')) mounted.add(params.get('mount') ?? '');
    }
    const isManifest = ({ mediaType }: PlannedWrite) => /manifest|image\.index/.test(mediaType);
    const listed = (planned?.writes ?? []).filter((each) => !isManifest(each));
    const of = (isMounted: boolean) =>
      listed.filter(({ mountedFrom }) => (mountedFrom !== undefined) === isMounted).map(({ digest }) => digest);
    expect(of(false).sort()).toEqual([...blobs].sort());
    expect(of(true).sort()).toEqual([...mounted].sort());
    for (const { digest } of planned?.writes.filter(isManifest) ?? []) {
      expect(registry.manifest(to?.startsWith('copy') ? 'copy/app' : 'app', digest)?.digest).toBe(digest);
    }
  });

  it('has the exit codes and errors of the real run', async () => {
    const registry = await start();
    await registry.loadLayout('app', goldenLayoutPath('single-oci'), 'v1');
    await registry.loadLayout('app', goldenLayoutPath('single-docker'), 'other');
    const image = (name: string) => `${registry.host}/app:${name}`;
    for (const [argv, code, text] of [
      [['convert', ...FAST, image('v1'), image('other')], 1, '[TAG_TAKEN]'],
      [['convert', ...FAST, image('v1'), image('v1')], 1, '[TAG_TAKEN]'],
      [['convert', ...FAST, image('missing'), image('x')], 1, '[NOT_FOUND]'],
      [['convert', ...FAST, '--prefetch-file', 'missing', image('v1'), image('x')], 1, '[PREFETCH_FILE_NOT_FOUND]'],
      [['convert', image('v1'), image('x')], 3, ''],
      [['convert', ...FAST, image('v1'), image('v1-soci-soci')], 2, '[USAGE_INVALID]'],
    ] as const) {
      for (const run of [await runCli([...argv, '--dry-run']), await runCli(argv)]) {
        expect(run.code, run.stderr).toBe(code);
        expect(run.stderr).toContain(text);
      }
    }
    await runCli(['convert', ...FAST, image('v1'), image('v1-soci')]);
    const current = await runCli(['convert', '--json', '--dry-run', ...FAST, image('v1'), image('v1-soci')]);
    expect(jsonLines(current)[0]).toMatchObject({ outcome: 'current', dryRun: true, writes: [] });
  });
});

describe('a dry run in a file system', () => {
  it.each([
    ['convert', 'oci:app', 'oci:new:v1'],
    ['convert --tag a', 'oci:app', 'oci:app:v1'],
    ['convert', 'oci:app', 'oci-archive:new.tar'],
    ['convert', 'oci:app', 'oci-archive:-'],
    ['create', 'oci:app', undefined],
    ['create', 'oci:app', 'oci:new'],
  ])('changes no file, and lists what would be written: %s %s %s', async (command, from, to) => {
    const [name = '', ...options] = command.split(' ');
    const images = [from, to].flatMap((image) => (image === undefined ? [] : [inFolder(image)]));
    const before = snapshot();
    const run = await runCli([name, '--dry-run', ...FAST, ...options, ...images]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/This would be written:\nDIGEST .*SIZE +TYPE\n(?:sha256:[0-9a-f]{64} .*\n)+/);
    expect(run.stdout).toMatch(/Dry run: nothing was written\. Without --dry-run, \d+ blobs \(.*iB\) would be written/);
    expect(snapshot()).toEqual(before);
    if (to === 'oci-archive:-') return;
    const [planned] = jsonLines<Planned>(await runCli([name, '--dry-run', '--json', ...FAST, ...options, ...images]));
    const blobsOf = (layout: string) => readdirSync(join(folder, layout, 'blobs', 'sha256')).sort();
    const layout = to?.includes('new') ? 'new' : 'app';
    const old = layout === 'new' ? [] : blobsOf('app');
    const digests = (planned?.writes ?? []).map(({ digest }) => digest.slice('sha256:'.length));
    await runCli([name, ...FAST, ...options, ...images]);
    if (to !== 'oci-archive:new.tar') expect([...old, ...digests].sort()).toEqual(blobsOf(layout));
  });

  it.each(['oci:file', 'oci:other', 'oci:missing/out', 'oci-archive:app', 'oci-archive:missing/out.tar'])(
    'fails like the real run if the destination cannot be written: %s',
    async (destination) => {
      writeFileSync(join(folder, 'file'), 'x');
      mkdirSync(join(folder, 'other'));
      writeFileSync(join(folder, 'other', 'file'), 'x');
      const before = snapshot();
      const argv = ['convert', ...FAST, inFolder('oci:app'), inFolder(destination)];
      for (const run of [await runCli([...argv, '--dry-run']), await runCli(argv)])
        expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(snapshot()).toEqual(before);
    },
  );

  it('of ztoc create writes no zTOC', async () => {
    const layer = join(
      goldenLayoutPath('single-oci'),
      'blobs/sha256/19c7572da1746d04aa1f59a7811b3047ad2a50d34ee7ec9028bcff95c6dd100b',
    );
    const argv = ['ztoc', 'create', '-o', join(folder, 'a', 'b'), layer];
    const before = snapshot();
    const run = await runCli([...argv, '--dry-run']);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(
      /Dry run: nothing was written\. These files would be written:\n {2}.*\/a\/b\/19c7572d.*\.ztoc\n$/,
    );
    const [planned] = jsonLines(await runCli([...argv, '--dry-run', '--json']));
    expect(snapshot()).toEqual(before);
    const [real] = jsonLines<object>(await runCli([...argv, '--json']));
    expect(planned).toEqual({ ...real, dryRun: true, seconds: expect.any(Number) });
    writeFileSync(join(folder, 'file'), 'x');
    for (const more of [['--dry-run'], []]) {
      const failed = await runCli(['ztoc', 'create', ...more, '-o', join(folder, 'file', 'x'), layer]);
      expect(failed).toMatchObject({ code: 1, stdout: '' });
    }
  });

  it.each(['cat', 'ztoc cat'])('of %s -o reads the file, and does not write it', async (command) => {
    const layers = join(goldenLayoutPath('single-oci'), 'blobs/sha256');
    const layer = join(layers, readdirSync(layers).find((name) => name.startsWith('f4eaac115ce4')) ?? '');
    await runCli(['ztoc', 'create', '-o', join(folder, 'ztocs'), layer]);
    const [ztoc = ''] = readdirSync(join(folder, 'ztocs'));
    const from = command === 'cat' ? [inFolder('oci:app')] : [join(folder, 'ztocs', ztoc), layer];
    const argv = [...command.split(' '), ...from, 'block513', '-o', join(folder, 'out')];
    const before = snapshot();
    const run = await runCli([...argv, '--dry-run']);
    expect(run).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Dry run: would write 513 B to .*\/out, sha256:/),
    });
    const [planned] = jsonLines(await runCli([...argv, '--dry-run', '--json']));
    expect(snapshot()).toEqual(before);
    const [real] = jsonLines<object>(await runCli([...argv, '--json']));
    expect(planned).toEqual({ ...real, dryRun: true });
    const toFolder = [...argv.slice(0, -1), folder];
    for (const more of [['--dry-run'], []]) expect(await runCli([...toFolder, ...more])).toMatchObject({ code: 1 });
  });
});
