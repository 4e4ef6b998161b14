import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import type { TestRegistry } from '@soci/test-registry';
import { describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { fillRegistry, useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const folder = temporaryFolder();
const SETTINGS = ['--min-layer-size', '0'];

interface Status {
  readonly repositories: readonly {
    readonly repository: string;
    readonly indexBytes: number;
    readonly stale: number;
  }[];
}

async function startWith(images: number, repositories: readonly string[]) {
  const registry = await start();
  await fillRegistry(registry, { repositories, images });
  return registry;
}

async function convert(host: string, image: string, ...words: string[]) {
  expect(
    await runCli(['convert', '-q', ...SETTINGS, ...words, `${host}/${image}`, `${host}/${image}-soci`]),
  ).toMatchObject({
    code: 0,
  });
}

/** Returns the size of the zTOCs of a SOCI-enabled image. */
function sizeOfIndexes(registry: TestRegistry, tag: string): number {
  const parse = (reference: string) =>
    JSON.parse(Buffer.from(registry.manifest('app', reference)?.bytes ?? []).toString());
  const entries = parse(tag).manifests as { readonly digest: string; readonly artifactType?: string }[];
  const layers = entries.filter(({ artifactType }) => artifactType).flatMap(({ digest }) => parse(digest).layers);
  return (layers as { readonly size: number }[]).reduce((sum, { size }) => sum + size, 0);
}

describe('status', () => {
  it('counts the images of each repository: indexed, missing and stale ones', async () => {
    const registry = await startWith(4, ['app', 'web']);
    await convert(registry.host, 'app:v1');
    await convert(registry.host, 'app:v2');
    const moved = registry.manifest('app', 'v4');
    registry.putManifest('app', 'v2', moved?.mediaType ?? '', moved?.bytes ?? new Uint8Array());
    const run = await runCli(['status', '--json', ...SETTINGS, `${registry.host}/*`]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    const [status] = jsonLines<Status>(run);
    expect(status).toMatchObject({
      host: registry.host,
      failed: [],
      repositories: [
        { repository: 'app', images: 4, indexed: 1, missing: 2, stale: 1, skipped: 0, garbage: 0 },
        { repository: 'web', images: 4, indexed: 0, missing: 4, stale: 0, skipped: 0, indexBytes: 0 },
      ],
    });
    const sizes = ['v1-soci', 'v2-soci'].map((tag) => sizeOfIndexes(registry, tag));
    expect(status?.repositories[0]?.indexBytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
  });

  it('prints a table, and how many images have an index', async () => {
    const registry = await startWith(2, ['app', 'web']);
    await convert(registry.host, 'app:v1');
    const { stdout } = await runCli(['status', ...SETTINGS, `${registry.host}/*`]);
    expect(stdout).toMatch(/^REPOSITORY +IMAGES +INDEXED +MISSING +STALE +SKIPPED +GARBAGE +INDEXES$/m);
    expect(stdout).toMatch(/^app +2 +1 +1 +0 +0 +0 +[\d.]+ KiB$/m);
    expect(stdout).toContain('1 of 4 images have a current index.');
  });

  it('counts the garbage that a deleted image leaves behind', async () => {
    const registry = await startWith(2, ['app']);
    for (const tag of ['v1', 'v2']) await convert(registry.host, `app:${tag}`);
    const digest = registry.manifest('app', 'v1')?.digest;
    await fetch(`${registry.url}/v2/app/manifests/${digest}`, { method: 'DELETE' });
    // The SOCI-enabled image, its image manifest and its SOCI index.
    const run = await runCli(['status', '--json', ...SETTINGS, `${registry.host}/app`]);
    expect(jsonLines(run)[0]).toMatchObject({ repositories: [{ images: 1, garbage: 3 }] });
  });

  it('says that an index was built with other settings', async () => {
    const registry = await startWith(1, ['app']);
    await convert(registry.host, 'app:v1');
    const other = await runCli(['status', '--json', ...SETTINGS, '--span-size', '64KiB', `${registry.host}/app`]);
    expect(jsonLines(other)[0]).toMatchObject({ repositories: [{ indexed: 0, stale: 1 }] });
  });

  it.each([
    ['--span-size auto', ['--span-size', 'auto']],
    ['--use-stored-profile', ['--use-stored-profile']],
  ])('says that the stored profile of a repository has changed: %s', async (_, words) => {
    const registry = await startWith(1, ['app', 'plain']);
    const profile = join(folder, 'profile.txt');
    const push = async (...files: string[]) => {
      writeFileSync(profile, files.map((file) => `${file}\n`).join(''));
      expect(await runCli(['profile', 'push', `${registry.host}/app`, profile])).toMatchObject({ code: 0 });
    };
    const status = async (...argv: string[]) => {
      const run = await runCli(['status', '--json', ...SETTINGS, ...argv, `${registry.host}/*`]);
      return jsonLines<Status>(run)[0]?.repositories.map(({ stale }) => stale);
    };
    await push('app 1');
    for (const image of ['app:v1', 'plain:v1']) await convert(registry.host, image, ...words);
    expect(await status(...words)).toEqual([0, 0]);
    // The other image has no file of a profile, so that its index has spans of the default size.
    expect(await status()).toEqual([1, 0]);
    await push('app base', 'app 1');
    expect(await status(...words)).toEqual([1, 0]);
    expect(await status(...words, '--optimizations', 'xattr')).toEqual([1, 1]);
  });
});
