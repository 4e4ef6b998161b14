import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { goldenLayoutPath } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const root = temporaryFolder();
let folder = '';
let turn = 0;

beforeEach(() => {
  folder = join(root, String(turn++));
  mkdirSync(folder);
  cpSync(goldenLayoutPath('single-oci'), join(folder, 'app'), { recursive: true });
});

/** Runs with quick settings, all paths below the test's own folder. */
function run(command: string, ...places: readonly string[]) {
  const [name = '', ...options] = command.split(' ');
  const argv = places.map((place) => place.replace(':', `:${folder}/`));
  return runCli([name, '--jobs', '1', '--min-layer-size', '0', ...options, ...argv]);
}

function listed(layout: string): (string | undefined)[] {
  const { manifests } = JSON.parse(readFileSync(join(folder, layout, 'index.json'), 'utf8')) as {
    manifests: Descriptor[];
  };
  return manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name']);
}

async function digestOfRoot(place: string): Promise<string> {
  const { stdout } = await runCli(['inspect', '--quiet', place.replace(':', `:${folder}/`)]);
  return stdout.trim();
}

describe('a layout folder', () => {
  it('is made with the name that is given, or without one', async () => {
    await run('convert', 'oci:app', 'oci:named:v1');
    await run('convert', 'oci:app', 'oci:nameless');
    expect([listed('named'), listed('nameless')]).toEqual([['v1'], [undefined]]);
    expect(await digestOfRoot('oci:nameless')).toBe(await digestOfRoot('oci:named:v1'));
  });

  it('is added to where it is there, and gives a name to the newest that wants it', async () => {
    await run('convert', 'oci:app', 'oci:out:v1');
    await run('convert --span-size 64KiB', 'oci:app', 'oci:out:v2');
    const second = await digestOfRoot('oci:out:v2');
    expect(listed('out')).toEqual(['v1', 'v2']);
    await run('convert --span-size 64KiB', 'oci:app', 'oci:out:v1');
    expect(await digestOfRoot('oci:out:v1')).toBe(second);
  });

  it('may be the one that the image is in', async () => {
    expect(await run('convert', 'oci:app', 'oci:app:soci')).toMatchObject({ code: 0 });
    expect(listed('app')).toEqual([undefined, 'soci']);
    expect(await runCli(['verify', '--quiet', `oci:${folder}/app:soci`])).toMatchObject({ code: 0, stdout: '' });
  });

  it('holds v1 indexes beside their image, which is still the one that is meant', async () => {
    const before = await digestOfRoot('oci:app');
    await run('create', 'oci:app');
    await run('create --span-size 64KiB', 'oci:app');
    await run('create', 'oci:app');
    expect(listed('app')).toEqual([undefined, undefined, undefined]);
    expect(await digestOfRoot('oci:app')).toBe(before);
    const [image] = jsonLines<{ platforms: { indexes: { version: number }[] }[] }>(
      await runCli(['inspect', '--json', `oci:${folder}/app`]),
    );
    expect(image?.platforms[0]?.indexes.map(({ version }) => version)).toEqual([1, 1]);
    expect(await runCli(['verify', `oci:${folder}/app`])).toMatchObject({ code: 0 });
  });

  it('is copied with its v1 indexes to another place', async () => {
    await run('create', 'oci:app', 'oci-archive:copy.tar:v1');
    expect(await digestOfRoot('oci-archive:copy.tar:v1')).toBe(await digestOfRoot('oci:app'));
    expect(await runCli(['verify', '--quiet', `oci-archive:${folder}/copy.tar:v1`])).toMatchObject({ code: 0 });
  });

  it('is read by name, digest or position', async () => {
    await run('convert', 'oci:app', 'oci:app:soci');
    const digest = await digestOfRoot('oci:app:soci');
    expect(await digestOfRoot('oci:app:@1')).toBe(digest);
    expect(await digestOfRoot(`oci:app:${digest}`)).toBe(digest);
    expect(await runCli(['inspect', `oci:${folder}/app`])).toMatchObject({ code: 1 });
    expect(await runCli(['inspect', `oci:${folder}/app:@7`])).toMatchObject({ code: 1 });
  });

  it('is refused where something else is', async () => {
    writeFileSync(join(folder, 'file'), 'x');
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'folder', 'file'), 'x');
    for (const place of [
      'oci:file',
      'oci:folder',
      'oci:missing/out',
      'oci-archive:app',
      'oci-archive:missing/out.tar',
    ]) {
      expect(await run('convert', 'oci:app', place), place).toMatchObject({ code: 1, stdout: '' });
    }
    expect(readdirSync(folder).sort()).toEqual(['app', 'file', 'folder']);
  });
});

describe('a tar file', () => {
  it('holds the same image as a folder', async () => {
    await run('convert', 'oci:app', 'oci:out');
    await run('convert', 'oci:app', 'oci-archive:out.tar');
    expect(await digestOfRoot('oci-archive:out.tar')).toBe(await digestOfRoot('oci:out'));
    expect(await run('convert', 'oci-archive:out.tar', 'oci:again:v1')).toMatchObject({ code: 0 });
    expect(await digestOfRoot('oci:again:v1')).toBe(await digestOfRoot('oci:out'));
  });

  it('is replaced where it is there', async () => {
    await run('convert', 'oci:app', 'oci-archive:out.tar:v1');
    await run('convert', 'oci:app', 'oci-archive:out.tar:v2');
    expect(await runCli(['inspect', `oci-archive:${folder}/out.tar:v1`])).toMatchObject({ code: 1 });
    expect(await runCli(['inspect', `oci-archive:${folder}/out.tar:v2`])).toMatchObject({ code: 0 });
  });
});

describe('nothing is left behind', () => {
  const places = ['oci:out:v1', 'oci:app:v1', 'oci-archive:out.tar:v1'];
  const everything = () => readdirSync(folder, { recursive: true }).map(String).sort();

  it.each(places)('by a failure halfway, in %s', async (place) => {
    const layer = join(
      folder,
      'app',
      'blobs',
      'sha256',
      '19c7572da1746d04aa1f59a7811b3047ad2a50d34ee7ec9028bcff95c6dd100b',
    );
    const bytes = readFileSync(layer);
    writeFileSync(layer, bytes.fill(0, 100_000, 100_010));
    const before = everything();
    const failed = await run('convert', 'oci:app', place);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('19c7572da1746d04aa1f59a7811b3047ad2a50d34ee7ec9028bcff95c6dd100b');
    expect(everything()).toEqual(before);
  });

  it.each(places)('by an interruption, in %s', async (place) => {
    const before = everything();
    const controller = new AbortController();
    // The first thing that is said is that a layer is done: there is work under way then.
    const argv = [
      'convert',
      '--jobs',
      '1',
      '--min-layer-size',
      '0',
      `oci:${folder}/app`,
      place.replace(':', `:${folder}/`),
    ];
    const stopped = await runCli(argv, {
      signal: controller.signal,
      onStderr: () => controller.abort(new Error('stopped by SIGINT')),
    });
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(everything()).toEqual(before);
  });

  it.each(places)('where there is nothing to index, in %s', async (place) => {
    const before = everything();
    expect(await run('convert --min-layer-size 1GiB', 'oci:app', place)).toMatchObject({ code: 3 });
    expect(everything()).toEqual(before);
  });
});
