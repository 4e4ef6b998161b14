import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const root = temporaryFolder();
let folder = '';
let testNumber = 0;

beforeEach(() => {
  folder = join(root, String(testNumber++));
  mkdirSync(folder);
  cpSync(goldenLayoutPath('single-oci'), join(folder, 'app'), { recursive: true });
});

/** Runs a command with fast settings. All paths are relative to the folder of the test. */
function run(command: string, ...images: readonly string[]) {
  const [name = '', ...options] = command.split(' ');
  const argv = images.map((image) => image.replace(':', `:${folder}/`));
  return runCli([name, '--jobs', '1', '--min-layer-size', '0', ...options, ...argv]);
}

function tagsOf(layout: string): (string | undefined)[] {
  const { manifests } = JSON.parse(readFileSync(join(folder, layout, 'index.json'), 'utf8')) as {
    manifests: Descriptor[];
  };
  return manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
}

async function digestOfRoot(image: string): Promise<string> {
  const { stdout } = await runCli(['inspect', '--quiet', image.replace(':', `:${folder}/`)]);
  return stdout.trim();
}

describe('a layout folder', () => {
  it('is created with or without a tag', async () => {
    await run('convert', 'oci:app', 'oci:tagged:v1');
    await run('convert', 'oci:app', 'oci:untagged');
    expect([tagsOf('tagged'), tagsOf('untagged')]).toEqual([['v1'], [undefined]]);
    expect(await digestOfRoot('oci:untagged')).toBe(await digestOfRoot('oci:tagged:v1'));
  });

  it('is extended if it exists, and a tag moves to the newest image', async () => {
    await run('convert', 'oci:app', 'oci:out:v1');
    await run('convert --span-size 64KiB', 'oci:app', 'oci:out:v2');
    const second = await digestOfRoot('oci:out:v2');
    expect(tagsOf('out')).toEqual(['v1', 'v2']);
    await run('convert --span-size 64KiB', 'oci:app', 'oci:out:v1');
    expect(await digestOfRoot('oci:out:v1')).toBe(second);
  });

  it('can be the layout of SRC', async () => {
    expect(await run('convert', 'oci:app', 'oci:app:soci')).toMatchObject({ code: 0 });
    expect(tagsOf('app')).toEqual([undefined, 'soci']);
    expect(await runCli(['verify', '--quiet', `oci:${folder}/app:soci`])).toMatchObject({ code: 0, stdout: '' });
  });

  it('can have v1 indexes, which do not count as images', async () => {
    const before = await digestOfRoot('oci:app');
    await run('create', 'oci:app');
    await run('create --span-size 64KiB', 'oci:app');
    await run('create', 'oci:app');
    expect(tagsOf('app')).toEqual([undefined, undefined, undefined]);
    expect(await digestOfRoot('oci:app')).toBe(before);
    const [image] = jsonLines<{ platforms: { indexes: { version: number }[] }[] }>(
      await runCli(['inspect', '--json', `oci:${folder}/app`]),
    );
    expect(image?.platforms[0]?.indexes.map(({ version }) => version)).toEqual([1, 1]);
    expect(await runCli(['verify', `oci:${folder}/app`])).toMatchObject({ code: 0 });
  });

  it('is copied with its v1 indexes', async () => {
    await run('create', 'oci:app', 'oci-archive:copy.tar:v1');
    expect(await digestOfRoot('oci-archive:copy.tar:v1')).toBe(await digestOfRoot('oci:app'));
    expect(await runCli(['verify', '--quiet', `oci-archive:${folder}/copy.tar:v1`])).toMatchObject({ code: 0 });
  });

  it('is read by tag, digest or position', async () => {
    await run('convert', 'oci:app', 'oci:app:soci');
    const digest = await digestOfRoot('oci:app:soci');
    expect(await digestOfRoot('oci:app:@1')).toBe(digest);
    expect(await digestOfRoot(`oci:app:${digest}`)).toBe(digest);
    expect(await runCli(['inspect', `oci:${folder}/app`])).toMatchObject({ code: 1 });
    expect(await runCli(['inspect', `oci:${folder}/app:@7`])).toMatchObject({ code: 1 });
  });

  it('is not written over other files', async () => {
    writeFileSync(join(folder, 'file'), 'x');
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'folder', 'file'), 'x');
    for (const destination of [
      'oci:file',
      'oci:folder',
      'oci:missing/out',
      'oci-archive:app',
      'oci-archive:missing/out.tar',
    ]) {
      expect(await run('convert', 'oci:app', destination), destination).toMatchObject({ code: 1, stdout: '' });
    }
    expect(readdirSync(folder).sort()).toEqual(['app', 'file', 'folder']);
  });
});

describe('a tar file', () => {
  it('has the same image as a directory', async () => {
    await run('convert', 'oci:app', 'oci:out');
    await run('convert', 'oci:app', 'oci-archive:out.tar');
    expect(await digestOfRoot('oci-archive:out.tar')).toBe(await digestOfRoot('oci:out'));
    expect(await run('convert', 'oci-archive:out.tar', 'oci:again:v1')).toMatchObject({ code: 0 });
    expect(await digestOfRoot('oci:again:v1')).toBe(await digestOfRoot('oci:out'));
  });

  it('replaces an existing file', async () => {
    await run('convert', 'oci:app', 'oci-archive:out.tar:v1');
    await run('convert', 'oci:app', 'oci-archive:out.tar:v2');
    expect(await runCli(['inspect', `oci-archive:${folder}/out.tar:v1`])).toMatchObject({ code: 1 });
    expect(await runCli(['inspect', `oci-archive:${folder}/out.tar:v2`])).toMatchObject({ code: 0 });
  });
});

describe('no files are left behind', () => {
  const destinations = ['oci:out:v1', 'oci:app:v1', 'oci-archive:out.tar:v1'];
  const listFiles = () => readdirSync(folder, { recursive: true }).map(String).sort();

  it.each(destinations)('by a failure, in %s', async (destination) => {
    const layer = join(
      folder,
      'app',
      'blobs',
      'sha256',
      '19c7572da1746d04aa1f59a7811b3047ad2a50d34ee7ec9028bcff95c6dd100b',
    );
    const bytes = readFileSync(layer);
    writeFileSync(layer, bytes.fill(0, 100_000, 100_010));
    const before = listFiles();
    const failed = await run('convert', 'oci:app', destination);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('19c7572da1746d04aa1f59a7811b3047ad2a50d34ee7ec9028bcff95c6dd100b');
    expect(listFiles()).toEqual(before);
  });

  it.each(destinations)('by an interruption, in %s', async (destination) => {
    const before = listFiles();
    const controller = new AbortController();
    // The first output is a finished layer. Other work is in progress at this time.
    const argv = [
      'convert',
      '--jobs',
      '1',
      '--min-layer-size',
      '0',
      `oci:${folder}/app`,
      destination.replace(':', `:${folder}/`),
    ];
    const stopped = await runCli(argv, {
      signal: controller.signal,
      onStderr: () => controller.abort(new Error('stopped by SIGINT')),
    });
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(listFiles()).toEqual(before);
  });

  it.each(destinations)('if no layer can be indexed, in %s', async (destination) => {
    const before = listFiles();
    expect(await run('convert --min-layer-size 1GiB', 'oci:app', destination)).toMatchObject({ code: 3 });
    expect(listFiles()).toEqual(before);
  });
});
