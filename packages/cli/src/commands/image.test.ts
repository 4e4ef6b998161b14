import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '@soci/oci';
import { createLayout } from '@soci/oci/layout';
import { goldenLayoutPath, makeTextLayer, makeZstdTextLayer, putLayeredImage } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const folder = temporaryFolder();
const multi = `oci:${goldenLayoutPath('multi-annotated')}`;
const converted = `oci:${join(folder, 'multi')}:v1`;
const fastOptions = ['--jobs', '1', '--min-layer-size', '0'];

/** The fields of `convert --json` that the tests use. */
interface Converted {
  readonly root: Descriptor;
  readonly indexes: readonly Descriptor[];
  readonly platforms: readonly { platform: object; index?: Descriptor; prefetchFiles: readonly object[] }[];
  readonly layers: readonly { status: string; reason?: string }[];
  readonly verified?: { filesRead: number };
}

beforeAll(async () => {
  expect(await runCli(['convert', ...fastOptions, multi, converted])).toMatchObject({ code: 0 });
});

describe('convert', () => {
  it('prints one line per layer, without control codes, if the output is not a terminal', async () => {
    const run = await runCli(['convert', ...fastOptions, multi, `oci:${join(folder, 'plain')}`]);
    expect(run.stderr).toMatch(/^layer 1 of \d+ {2}sha256:[0-9a-f]{12} .* files? .* spans? .* zTOC .* s$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the output must not have control characters
    expect(run.stdout + run.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(run.stdout).toContain('linux/amd64\n');
    expect(run.stdout).toContain('linux/arm64');
  });

  it('draws a bar, and one for each layer in progress, on a terminal, and removes them', async () => {
    const run = await runCli(['convert', ...fastOptions, multi, `oci:${join(folder, 'terminal')}`], { columns: 70 });
    expect(run.stderr).toMatch(/\r.*[█░]+.* of 2 layers.*\n.*[█░]+.* sha256:[0-9a-f]{12} /);
    expect(run.stderr.endsWith('\u001b[J\u001b[?25h')).toBe(true);
  });

  it('prints only the digest with --quiet', async () => {
    const run = await runCli(['convert', '-q', ...fastOptions, multi, `oci:${join(folder, 'quiet')}`]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  it('prints exactly one JSON object with --json', async () => {
    const run = await runCli(['convert', '--json', '--verify', ...fastOptions, multi, `oci:${join(folder, 'json')}`]);
    const [result, ...others] = jsonLines<Converted>(run);
    expect(others).toEqual([]);
    expect(result?.platforms).toHaveLength(2);
    expect(result?.indexes).toEqual(result?.platforms.map(({ index }) => index));
    expect(result?.layers.every(({ status }) => status === 'indexed')).toBe(true);
    expect(result?.verified?.filesRead).toBeGreaterThan(0);
  });

  it('indexes only the selected platforms', async () => {
    const run = await runCli([
      'convert',
      '--json',
      ...fastOptions,
      '-p',
      'linux/arm64',
      multi,
      `oci:${join(folder, 'arm')}`,
    ]);
    const [result] = jsonLines<Converted>(run);
    expect(result?.platforms.map(({ platform }) => platform)).toEqual([
      expect.objectContaining({ architecture: 'arm64' }),
    ]);
    const none = await runCli(['convert', ...fastOptions, '-p', 'linux/s390x', multi, `oci:${join(folder, 'none')}`]);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('[PLATFORM_NOT_FOUND]');
  });

  it('reads files to prefetch from the command line and from a file, and fails without one of them', async () => {
    const list = join(folder, 'prefetch.json');
    writeFileSync(list, '["/reg", " /no/such/file "]');
    const source = `oci:${goldenLayoutPath('single-oci')}`;
    const argv = ['convert', ...fastOptions, '--prefetch-files-json', list, '--prefetch-file', 'block513', source];
    const destination = `oci:${join(folder, 'prefetch')}`;
    const failed = await runCli([...argv, destination]);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(/"\/no\/such\/file" \[PREFETCH_FILE_NOT_FOUND\]\n.*add --allow-missing-prefetch/);
    expect(existsSync(join(folder, 'prefetch'))).toBe(false);

    argv.push('--allow-missing-prefetch');
    const [result] = jsonLines<Converted>(await runCli([...argv, '--json', destination]));
    expect(result?.platforms[0]?.prefetchFiles.map((each) => 'found' in each && each.found)).toEqual([
      true,
      true,
      false,
    ]);
    const run = await runCli([...argv, destination]);
    expect(run.stderr).toMatch(/^warning: file to prefetch not found for linux\/amd64: .*no\/such\/file$/m);
  });

  it.each(['{}', '[1]', 'not JSON'])('rejects a list of files to prefetch that is %s', async (content) => {
    const list = join(folder, 'bad.json');
    writeFileSync(list, content);
    const run = await runCli([
      'convert',
      ...fastOptions,
      '--prefetch-files-json',
      list,
      multi,
      `oci:${join(folder, 'bad')}`,
    ]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('bad.json');
  });

  it('reports why each layer is skipped', async () => {
    const run = await runCli([
      'convert',
      '--json',
      `oci:${goldenLayoutPath('zstd-only')}`,
      '--min-layer-size',
      '0',
      `oci:${join(folder, 'zstd')}`,
    ]);
    expect(run.code).toBe(3);
    expect(jsonLines<Converted>(run)[0]?.layers).toEqual([
      expect.objectContaining({
        status: 'skipped',
        reason: 'unsupported-compression',
        remedy: expect.stringContaining('convert --recompress'),
      }),
    ]);
    const text = await runCli([
      'convert',
      `oci:${goldenLayoutPath('zstd-only')}`,
      '--min-layer-size',
      '0',
      `oci:${join(folder, 'zstd')}`,
    ]);
    expect(text.stdout).toContain('To index zstd layers too, use convert --recompress.');
    for (const command of ['convert', 'create']) {
      const mixed = `oci:${join(folder, `mixed-${command}`)}`;
      const { code, stdout } = await runCli([
        command,
        ...fastOptions,
        `oci:${goldenLayoutPath('mixed-compression')}`,
        mixed,
      ]);
      expect(code).toBe(0);
      expect(stdout).toContain('skipped: zstd; use convert --recompress\n');
    }
    const small = await runCli(['convert', `oci:${goldenLayoutPath('small-layers')}`, `oci:${join(folder, 'small')}`]);
    expect(small.code).toBe(3);
    expect(small.stdout).toMatch(/skipped: < 10 MiB[\s\S]*Nothing to index/);
  });
});

describe('convert --recompress', () => {
  const zstd = `oci:${join(folder, 'zstd-image')}`;

  beforeAll(async () => {
    const layout = await createLayout(join(folder, 'zstd-image'));
    const image = await putLayeredImage(layout, [makeZstdTextLayer('one'), makeTextLayer('two')]);
    await layout.tag(image, 'v1');
    await layout.commit();
  });

  it('indexes the layers of a zstd image', async () => {
    const destination = `oci:${join(folder, 'recompressed')}`;
    const run = await runCli(['convert', '--recompress', '--verify', '--json', ...fastOptions, zstd, destination]);
    expect(run).toMatchObject({ code: 0 });
    const [result] = jsonLines<Converted>(run);
    expect(result?.layers).toEqual([
      expect.objectContaining({
        status: 'indexed',
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        recompressedFrom: expect.objectContaining({ mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }),
      }),
      expect.objectContaining({ status: 'indexed' }),
    ]);
    expect(await runCli(['verify', destination])).toMatchObject({ code: 0 });
    const archive = `oci-archive:${join(folder, 'recompressed.tar')}`;
    const again = await runCli(['convert', '--recompress', '--quiet', ...fastOptions, zstd, archive]);
    expect(again.stdout).toBe(`${result?.root.digest}\n`);
    expect(await runCli(['verify', archive])).toMatchObject({ code: 0 });
  });

  it('says how many layers were recompressed', async () => {
    const run = await runCli(['convert', '--recompress-tar', ...fastOptions, zstd, `oci:${join(folder, 'counted')}`]);
    expect(run.stdout).toMatch(/2 of 2 layers indexed, 1 of them recompressed \(.*iB to .*iB\)/);
  });

  it('is not an option of create, and not for compat', async () => {
    expect(await runCli(['create', '--recompress', zstd])).toMatchObject({ code: 2 });
    const run = await runCli([
      'convert',
      '--recompress',
      '--compat',
      'soci-cli',
      zstd,
      `oci:${join(folder, 'compat')}`,
    ]);
    expect(run.stderr).toContain('recompress and compat exclude each other');
  });
});

describe('inspect', () => {
  it('shows the SOCI index of each platform and the zTOC of each layer', async () => {
    const [image] = jsonLines<{
      root: Descriptor;
      platforms: { layers: { ztoc?: string }[]; indexes: { ztocs: { digest: string }[] }[] }[];
    }>(await runCli(['inspect', '--json', converted]));
    expect(image?.platforms).toHaveLength(2);
    for (const { layers, indexes } of image?.platforms ?? []) {
      expect(indexes).toEqual([expect.objectContaining({ version: 2 })]);
      expect(layers.map(({ ztoc }) => ztoc)).toEqual(indexes[0]?.ztocs.map(({ digest }) => digest));
    }
  });

  it('reports an image without an index', async () => {
    expect((await runCli(['inspect', multi])).stdout).toContain('no SOCI index');
    const verified = await runCli(['verify', multi]);
    expect(verified).toMatchObject({ code: 1, stdout: '' });
    expect(verified.stderr).toContain('[NOT_INDEXED]');
  });

  it('distinguishes an attestation from an image', async () => {
    const [image] = jsonLines<{ platforms: object[]; others: { kind: string }[] }>(
      await runCli(['inspect', '--json', `oci:${goldenLayoutPath('attested')}`]),
    );
    expect(image?.platforms).toHaveLength(1);
    expect(image?.others.map(({ kind }) => kind)).toEqual(['attestation']);
  });

  it.each([
    ['through its zTOC', converted],
    ['without a zTOC', multi],
  ])('lists the files of a layer %s', async (_, source) => {
    const run = await runCli(['inspect', '--quiet', '--layer', '0709e246', source]);
    expect(run.code).toBe(0);
    expect(run.stdout.split('\n')).toContain('usr/bin/f00000-wgjrngs');
  });

  it.each([
    ['0709', 2],
    ['ffffffff', 1],
    ['latest', 2],
  ])('does not find a layer %s', async (digest, code) => {
    expect(await runCli(['inspect', '--layer', digest, converted])).toMatchObject({ code, stdout: '' });
  });
});

describe('a file of a multi-platform image', () => {
  it('is read from the selected platform', async () => {
    expect(await runCli(['ls', converted])).toMatchObject({ code: 2, stdout: '' });
    expect(await runCli(['ls', '-p', 'linux/arm64', converted])).toMatchObject({ code: 0 });
    expect(await runCli(['ls', '-p', 'linux/s390x', converted])).toMatchObject({ code: 1 });
  });
});

describe('verify', () => {
  it('compares every file, or a sample', async () => {
    const filesRead = async (...options: string[]) => {
      const [report] = jsonLines<{ valid: boolean; layers: { filesRead: number }[] }>(
        await runCli(['verify', '--json', ...options, converted]),
      );
      expect(report?.valid).toBe(true);
      return report?.layers.reduce((sum, layer) => sum + layer.filesRead, 0) ?? 0;
    };
    expect(await filesRead('--sample', '2', '--seed', '7')).toBeLessThan(await filesRead());
  });

  it('detects a layer that changed after it was indexed', async () => {
    const damaged = join(folder, 'damaged');
    cpSync(join(folder, 'multi'), damaged, { recursive: true });
    const blobs = join(damaged, 'blobs', 'sha256');
    const layer = readdirSync(blobs).find((name) => name.startsWith('0709e246'));
    const path = join(blobs, layer ?? '');
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(100_000) ^ 1, 100_000);
    writeFileSync(path, bytes);
    const run = await runCli(['verify', `oci:${damaged}`]);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('Verification failed.');
    expect(await runCli(['verify', '--quiet', `oci:${damaged}`])).toMatchObject({ code: 1 });
  });
});
