import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf, MEDIA_TYPE_OCI_LAYER_GZIP, MEDIA_TYPE_OCI_LAYER_ZSTD } from '@soci/oci';
import { createLayout } from '@soci/oci/layout';
import { AMD64, put, putImage, tarOf } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LayerFiles, packImage } from '../fixtures/pack-image.ts';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const folder = temporaryFolder();
const image = `oci:${join(folder, 'converted')}:v1`;

/** Layers of an image, base layer first. */
const LAYERS: readonly LayerFiles[] = [
  {
    'etc/': '',
    'etc/os-release': 'base',
    'etc/removed': 'base',
    'opt/': '',
    'opt/old/': '',
    'opt/old/file': 'base',
    lib: '-> usr/lib',
    'usr/lib/libc.so': 'libc',
    data: 'a file',
  },
  {
    'etc/.wh.removed': '',
    'etc/os-release': 'upper',
    'opt/.wh..wh..opq': '',
    'opt/new': 'upper',
    'data/': '',
    'data/inside': 'x',
  },
  { top: '-> /lib/libc.so', loop: '-> loop', far: '-> ../../etc/os-release', 'usr/lib/extra': 'e' },
];

beforeAll(async () => {
  const source = join(folder, 'source');
  await packImage(source, LAYERS);
  await runCli(['convert', '--jobs', '1', '--min-layer-size', '0', `oci:${source}`, image]);
});

describe('cat', () => {
  it.each([
    ['/etc/os-release', 'upper'],
    ['etc/../etc/./os-release', 'upper'],
    ['/opt/new', 'upper'],
    ['/data/inside', 'x'],
    ['/usr/lib/libc.so', 'libc'],
    ['/lib/libc.so', 'libc'],
    ['/top', 'libc'],
    ['/far', 'upper'],
  ])('reads %s as a container sees it', async (path, content) => {
    expect(await runCli(['cat', image, path])).toEqual(
      expect.objectContaining({ code: 0, stdout: content, stderr: '' }),
    );
  });

  it.each([
    ['/etc/removed', 'ENTRY_NOT_FOUND'],
    ['/opt/old/file', 'ENTRY_NOT_FOUND'],
    ['/data', 'ENTRY_NOT_A_FILE'],
    ['/etc', 'ENTRY_NOT_A_FILE'],
    ['/usr', 'ENTRY_NOT_A_FILE'],
    ['/loop', 'SOURCE_INVALID'],
    ['/nothing', 'ENTRY_NOT_FOUND'],
  ])('fails for %s', async (path, code) => {
    const run = await runCli(['cat', image, path]);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain(`[${code}]`);
  });

  it('prints how a file was read with --json', async () => {
    const run = await runCli(['cat', '--json', image, '/etc/os-release']);
    const [result] = jsonLines<{ bytesRead: number; imageSize: number }>(run);
    expect(result).toMatchObject({
      name: '/etc/os-release',
      size: 5,
      digest: digestOf(new TextEncoder().encode('upper')),
      spans: [0],
    });
    expect(result?.bytesRead).toBeLessThan(result?.imageSize ?? 0);
  });
});

describe('ls', () => {
  it.each([
    ['/', ['data/', 'etc/', 'far', 'lib', 'loop', 'opt/', 'top', 'usr/']],
    ['etc', ['os-release']],
    ['/opt/', ['new']],
    ['/usr/lib', ['extra', 'libc.so']],
  ])('lists %s without files that upper layers removed', async (path, names) => {
    const { code, stdout } = await runCli(['ls', '--quiet', image, path]);
    expect({ code, names: stdout.trim().split('\n') }).toEqual({ code: 0, names });
  });

  it('prints a file like ls -l', async () => {
    expect((await runCli(['ls', image, '/opt/new'])).stdout).toMatch(
      /^-rw-r--r-- {2}root\/root +5 {2}1970-01-01 00:00 {2}opt\/new\n$/,
    );
  });

  it('fails for a path that does not exist', async () => {
    expect(await runCli(['ls', image, '/opt/old'])).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('an image with an encrypted layer', () => {
  const encrypted = `oci:${join(folder, 'encrypted')}:latest`;
  let layer = '';

  beforeAll(async () => {
    const layout = await createLayout(join(folder, 'encrypted'));
    const lower = await put(
      layout,
      MEDIA_TYPE_OCI_LAYER_ZSTD,
      zstdCompressSync(tarOf({ lower: 'from zstd', both: '' })),
    );
    const unreadable = await put(layout, `${MEDIA_TYPE_OCI_LAYER_GZIP}+encrypted`, Uint8Array.of(1));
    const upper = await put(layout, MEDIA_TYPE_OCI_LAYER_GZIP, gzipSync(tarOf({ both: 'upper' })));
    layer = unreadable.digest;
    await layout.tag(await putImage(layout, AMD64, [lower, unreadable, upper]), 'latest');
    await layout.commit();
  });

  it('is listed without the files of that layer, with a warning', async () => {
    const { code, stdout, stderr } = await runCli(['ls', '-q', encrypted]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'both\nlower\n' });
    expect(stderr).toBe(
      `warning: layer ${layer} is encrypted. Its files are not listed, and it may replace or remove listed ones\n`,
    );
  });

  it('prints a file below that layer with a warning, and a file above it without', async () => {
    const warning = `warning: layer ${layer} is encrypted. It may replace or remove this file\n`;
    expect(await runCli(['cat', encrypted, 'lower'])).toMatchObject({ code: 0, stdout: 'from zstd', stderr: warning });
    expect(await runCli(['cat', encrypted, 'both'])).toMatchObject({ code: 0, stdout: 'upper', stderr: '' });
    const [result] = jsonLines(await runCli(['cat', '--json', encrypted, 'lower']));
    expect(result).toMatchObject({ unreadableLayers: [{ layer, message: `layer ${layer} is encrypted` }] });
  });

  it.each(['ls', 'cat'])('%s fails for a file that only that layer may have', async (command) => {
    const run = await runCli([command, encrypted, 'missing']);
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain(`may have it: layer ${layer} is encrypted [LAYER_UNREADABLE]`);
  });
});
