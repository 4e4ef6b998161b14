import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeProfile } from '@soci/index';
import { MEDIA_TYPE_OCI_LAYER } from '@soci/oci';
import { createLayout } from '@soci/oci/layout';
import { makeTextLayer, makeZstdTextLayer, noise, putLayeredImage, tarOf } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { packImage } from '../fixtures/pack-image.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const MIB = 1 << 20;
const folder = temporaryFolder();
const profile = join(folder, 'start.json');
const image = `oci:${join(folder, 'app')}`;
const zstd = `oci:${join(folder, 'zstd')}`;
/** A slow network, because the image is small. */
const report = (...argv: readonly string[]) =>
  runCli(['report', '--jobs', '1', '--min-layer-size', '1MiB', '--bandwidth', '1M', ...argv]);

beforeAll(async () => {
  const base = { 'usr/bin/app': noise(MIB / 2, 1), 'usr/share/data': noise(5 * MIB, 2) };
  await packImage(join(folder, 'app'), [base, { 'etc/app.conf': 'a=1\n' }], { Cmd: ['/usr/bin/app', '--fast mode'] });
  const layout = await createLayout(join(folder, 'zstd'));
  const layers = [makeTextLayer('base', 3 * MIB), makeZstdTextLayer('bin/app', 6 * MIB)];
  await layout.tag(await putLayeredImage(layout, layers), 'v1');
  await layout.commit();
  writeFileSync(profile, encodeProfile({ origin: 'recorded', files: [{ path: '/usr/bin/app' }] }));
});

describe('report', () => {
  it('answers first, then shows the command, the layers, the settings, and what is not lazy', async () => {
    const run = await report('--profile', profile, '--latency', '20ms', image);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    const text = run.stdout.replaceAll(folder, 'DIR').replaceAll(/sha256:[0-9a-f]{12}/g, 'sha256:000000000000');
    await expect(text).toMatchFileSnapshot('fixtures/report.txt');
  });

  it('prints one sentence with --quiet', async () => {
    const run = await report('-q', '--profile', profile, image);
    expect(run.stdout).toMatch(
      /^Index it: `\/usr\/bin\/app '--fast mode'` starts in about \d+\.\d s instead of \d+ s at 1 Mbit\/s\.\n$/,
    );
    expect(run.stderr).toBe('');
  });

  it('prints everything with --json', async () => {
    const run = await report('--json', '--profile', profile, image);
    const [json] = jsonLines<Record<string, unknown>>(run);
    expect(json).toMatchObject({
      schemaVersion: 1,
      outcome: 'worth-it',
      verdict: expect.stringContaining('Index it: '),
      command: `soci-index convert --profile ${profile} --min-layer-size 1048576 ${image} DST`,
      startCommand: ['/usr/bin/app', '--fast mode'],
      profile: { source: 'given', origin: 'recorded', files: 1, filesFound: 1 },
      network: { bandwidth: 1e6, latency: 0.01 },
      pull: { bytes: expect.any(Number), seconds: expect.any(Number) },
      layers: [
        { compression: 'gzip', files: 2, spanSizes: [{ spanSize: 'auto' }, {}, {}, {}, {}] },
        { compression: 'gzip', files: 1, reason: 'smaller-than-min-layer-size' },
      ],
      obstacles: [{ code: 'small', layers: [expect.stringMatching(/^sha256:[0-9a-f]{64}$/)] }],
    });
    const { settings } = json as {
      settings: { spanSize: number | string; recommended: boolean; seconds: number; phases: { seconds: number }[] }[];
    };
    expect(settings.map(({ spanSize }) => spanSize)).toEqual(['auto', MIB, 4 * MIB, 8 * MIB, 16 * MIB]);
    expect(settings.filter(({ recommended }) => recommended)).toHaveLength(1);
    for (const { seconds, phases } of settings) {
      expect(phases.reduce((sum, phase) => sum + phase.seconds, 0)).toBeCloseTo(seconds, 2);
    }
  });

  it('exits with 3 if all layers are small, or if the start reads most of the image', async () => {
    const small = await report('--min-layer-size', '100MiB', image);
    expect(small).toMatchObject({ code: 3 });
    expect(small.stdout).toMatch(/^Not worth it: all layers are below 100 MiB\.\n\n/);
    expect(small.stdout).not.toContain('convert');
    const all = join(folder, 'all.txt');
    writeFileSync(all, '/usr/bin/app\n/usr/share/data\n');
    const whole = await report('--profile', all, image);
    expect(whole).toMatchObject({ code: 3 });
    expect(whole.stdout).toMatch(/^Not worth it: a start over an index downloads 10\d % of the image, and takes about/);
    expect(whole.stdout).toContain('a start reads 100 % of it');
  });

  it('recommends to recompress zstd layers, also if the start is in one of them', async () => {
    const app = join(folder, 'app.txt');
    writeFileSync(app, '/bin/app\n');
    const run = await report('--min-layer-size', '64KiB', '--profile', app, zstd);
    expect(run, run.stderr).toMatchObject({ code: 3 });
    expect(run.stdout).toMatch(
      /^Not as it is: \S+ MiB of \S+ MiB are compressed with zstd, and an index needs gzip\. "report --recompress" estimates/,
    );
    expect(run.stdout).toMatch(
      /not lazy {2}layer sha256:\w+ \(.*\): zTOCs do not support zstd\. Use "convert --recompress"; "report --recompress" estimates/,
    );
  });

  it('estimates what an index of recompressed layers gains', async () => {
    const base = join(folder, 'base.txt');
    writeFileSync(base, '/base\n');
    const words = ['--min-layer-size', '64KiB', '--recompress', '--json', '--profile', base];
    const run = await report(...words, zstd);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    const [json] = jsonLines<{ pull: { bytes: number }; layers: { layerSize: number }[] }>(run);
    expect(json).toMatchObject({
      verdict: expect.stringMatching(/^Recompress and index it: /),
      command: expect.stringContaining('soci-index convert --recompress '),
      layers: [{}, { compression: 'zstd', recompressedSize: expect.any(Number) }],
    });
    // An ordinary pull is that of the image as it is.
    expect(json?.pull.bytes).toBe(json?.layers.reduce((sum, { layerSize }) => sum + layerSize, 0));
  });

  it('says that an image is indexed already', async () => {
    const indexed = `oci:${join(folder, 'indexed')}:v1`;
    expect(await runCli(['convert', '-q', '--jobs', '1', '--min-layer-size', '1MiB', image, indexed])).toMatchObject({
      code: 0,
    });
    const run = await report('-q', '--profile', profile, indexed);
    expect(run.stdout).toMatch(/^Indexed already, and worth it: /);
    const [json] = jsonLines<object>(await report('--json', '--profile', profile, indexed));
    expect(json).toMatchObject({ outcome: 'worth-it', sociIndex: expect.stringMatching(/^sha256:/) });
    // The default would build the same index again.
    const { stdout } = await report('--profile', profile, indexed);
    const commands = stdout.split('\n').filter((line) => line.startsWith('  soci-index convert'));
    expect(commands).toEqual([expect.stringContaining('--profile')]);
  });

  it('says that layers are not compressed, as those of a docker-archive', async () => {
    const layout = await createLayout(join(folder, 'plain'));
    const tar = tarOf({ 'usr/bin/app': noise(2 * MIB, 4) });
    await layout.tag(await putLayeredImage(layout, [{ tar, bytes: tar, mediaType: MEDIA_TYPE_OCI_LAYER }]), 'v1');
    await layout.commit();
    expect((await report('--profile', profile, `oci:${join(folder, 'plain')}`)).stdout).toContain(
      '1 layer is not compressed here. If a registry has gzip layers instead, a pull downloads less.',
    );
    expect((await report('--profile', profile, image)).stdout).not.toContain('not compressed');
  });

  it('fails if no file of the start is known', async () => {
    const unknown = `oci:${join(folder, 'unknown')}`;
    await packImage(join(folder, 'unknown'), [{ data: noise(2 * MIB, 3) }]);
    expect(await report(unknown)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the image has no Entrypoint and no Cmd \[NOTHING_PREDICTED\]\n.*--profile FILE/),
    });
    expect(await report('--profile', profile, unknown)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has none of the 1 files of the profile \[SOURCE_INVALID\]/),
    });
    expect(await report('--use-stored-profile', unknown)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no profile is stored with .* \[PROFILE_NOT_FOUND\]/),
    });
  });

  it.each([
    ['--bandwidth', '100'],
    ['--bandwidth', '1k'],
    ['--bandwidth', 'fast'],
    ['--latency', '10'],
    ['--latency', '1m'],
    ['--latency', '11s'],
  ])('rejects %s %s', async (option, value) => {
    const run = await report(option, value, image);
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining(`${option}: "${value}" is not a `) });
  });

  it.each(['1G', '1gbit/s', '1000Mbps', '1 Gbit'])('accepts the bandwidth %s', async (value) => {
    const run = await report('-q', '--profile', profile, '--bandwidth', value, '--min-layer-size', '1G', image);
    expect(run).toMatchObject({ code: 3 });
  });
});
