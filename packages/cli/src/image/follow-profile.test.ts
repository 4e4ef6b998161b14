import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLayout } from '@soci/oci/layout';
import { AMD64, makeImage, makeLayer, pushImage, put, putImage } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';
import { useTestRegistries } from '../fixtures/test-registries.ts';

const start = useTestRegistries();
const folder = temporaryFolder();
const source = `oci:${join(folder, 'app')}:v1`;
const profile = join(folder, 'start.txt');
const OPTIONS = ['--jobs', '1'];
const MIB = 1 << 20;

/** Layers of one file each: `/base` and `/app`. */
const LAYERS = [makeLayer('base', 12 * MIB), makeLayer('app', 24 * MIB)];

beforeAll(async () => {
  writeFileSync(profile, '# what the start reads\n/base\n/missing\n');
  const layout = await createLayout(join(folder, 'app'));
  const layers = [];
  for (const { descriptor, bytes } of LAYERS) layers.push(await put(layout, descriptor.mediaType, bytes));
  await layout.tag(await putImage(layout, AMD64, layers), 'v1');
  await layout.commit();
});

const convert = (name: string, ...options: string[]) =>
  runCli(['convert', ...OPTIONS, ...options, source, `oci:${join(folder, name)}:v1`]);

/** The fields of `--json` that the tests use. */
interface Converted {
  readonly outcome: string;
  readonly root: { readonly digest: string };
  readonly profile?: object;
  readonly platforms: readonly { readonly start?: object }[];
}

describe('convert --profile', () => {
  it('prints the profile, the files that were found, and what a start reads', async () => {
    const run = await convert('text', '--profile', profile, '--verify');
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(
      /^Given profile: 1 of 2 files found; a start reads 12(\.\d)? MiB of layers, and [\d.]+ KiB of zTOCs\.$/m,
    );
    const verified = await runCli(['verify', `oci:${join(folder, 'text')}:v1`]);
    expect(verified, verified.stderr).toMatchObject({ code: 0 });
    const inspected = await runCli(['inspect', `oci:${join(folder, 'text')}:v1`]);
    expect(inspected.stdout).toMatch(/from 256 KiB\n.*from 10 MiB\n/);
    const listed = await runCli(['ls', '-q', `oci:${join(folder, 'text')}:v1`, '/']);
    expect(listed.stdout.trim().split('\n').sort()).toEqual(['app', 'base']);
  });

  it('prints the same as JSON', async () => {
    const [result] = jsonLines<Converted>(await convert('json', '--profile', profile, '--json'));
    expect(result?.profile).toEqual({ origin: 'given' });
    expect(result?.platforms[0]?.start).toEqual({
      files: 2,
      filesFound: 1,
      bytesRead: expect.any(Number),
      ztocsSize: expect.any(Number),
    });
  });

  it('says if the image has no file of the profile', async () => {
    const none = join(folder, 'none.json');
    writeFileSync(none, '{"schemaVersion":1,"files":[{"path":"/missing"}]}');
    const run = await convert('none', '--profile', none);
    expect(run.stdout).toContain(
      '\nGiven profile: no file found, so spans have the default size.\n  Name files, not directories, by their paths',
    );
    const [result] = jsonLines<Converted>(await convert('none-json', '--profile', none, '--json'));
    const [expected] = jsonLines<Converted>(await convert('default', '--json'));
    expect(result?.root).toEqual(expected?.root);
  });

  it.each([
    ['an empty file', '', 'PROFILE_INVALID'],
    ['another schema version', '{"schemaVersion":2,"files":[]}', 'PROFILE_INVALID'],
    ['invalid JSON', '{', 'PROFILE_INVALID'],
    ['a file above 4 MiB', 'x'.repeat(4 * MIB + 1), 'SOURCE_INVALID'],
  ])('fails for %s, and names the file', async (_, content, code) => {
    const bad = join(folder, 'bad.txt');
    writeFileSync(bad, content);
    const run = await convert('bad', '--profile', bad);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(bad);
    expect(run.stderr).toContain(`[${code}]`);
  });

  it('fails for a file that does not exist', async () => {
    const run = await convert('bad', '--profile', join(folder, 'absent.txt'));
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('absent.txt');
  });
});

describe('the options of profiles', () => {
  it.each([
    [['--span-size', 'auto', '--compat', 'soci-cli']],
    [['--profile', profile, '--compat', 'soci-cli']],
    [['--use-stored-profile', '--compat', 'soci-cli']],
    [['--profile', profile, '--span-size', '4MiB']],
    [['--use-stored-profile', '--span-size', '4MiB']],
    [['--profile', profile, '--use-stored-profile']],
    [['--span-size', 'automatic']],
  ])('%j are a usage error', async (options) => {
    const run = await convert('usage', ...options);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/--(compat|span-size|use-stored-profile)/);
    const create = await runCli(['create', ...options, source]);
    expect(create.code).toBe(2);
  });
});

describe('a stored profile', () => {
  it('is used by --span-size auto and --use-stored-profile, and named by its digest', async () => {
    const registry = await start({ autoCreate: true });
    const image = `${registry.host}/app:v1`;
    await pushImage(registry, 'app', 'v1', makeImage(LAYERS));
    const without = await runCli(['convert', ...OPTIONS, '--use-stored-profile', image, `${image}-default`]);
    expect(without.stdout).toContain('\nNo stored profile is used, so spans have the default size.\n');
    const predicted = await runCli(['create', ...OPTIONS, '--span-size', 'auto', image]);
    expect(predicted.stdout).toContain(
      '\nPredicted profile: no file found, so spans have the default size.\n  To see why, run "soci-index profile predict"',
    );
    const pushed = await runCli(['profile', 'push', '-q', `${registry.host}/app`, profile]);
    const digest = pushed.stdout.trim().slice(0, 'sha256:'.length + 12);
    const first = await runCli(['convert', ...OPTIONS, '--use-stored-profile', image, `${image}-soci`]);
    expect(first.stdout).toContain(`\nStored profile ${digest}: 1 of 2 files found; a start reads `);
    const again = await runCli(['convert', ...OPTIONS, '--span-size', 'auto', image, `${image}-soci`]);
    expect(again.stdout).toContain('Already indexed with these settings');
    expect(again.stdout).toContain(`\nStored profile ${digest}.\n`);
  });
});

it('ztoc info prints the smallest and largest span', async () => {
  const layer = join(folder, 'layer.tar.gz');
  writeFileSync(layer, makeLayer('layer', 3 * MIB).bytes);
  await runCli(['ztoc', 'create', '--span-size', '1MiB', '--output', folder, layer]);
  const ztoc = `${layer}.ztoc`;
  const run = await runCli(['ztoc', 'info', ztoc]);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  expect(run.stdout).toMatch(/^span size +1 MiB \(1,048,576 bytes\)\nspans +3 \([\d,.]+ [KM]iB to 1(\.\d)? MiB\)$/m);
  const [info] = jsonLines<Record<string, number>>(await runCli(['ztoc', 'info', '--json', ztoc]));
  expect(info).toMatchObject({ spanSize: MIB });
  const { smallestSpan = 0, largestSpan = 0 } = info ?? {};
  expect(largestSpan).toBeGreaterThan(MIB);
  expect(smallestSpan).toBeLessThan(largestSpan);
});
