// Images from public bug reports of other tools.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createLayout } from '@soci/oci/layout';
import { AMD64, ARM64, concat, put, putImage, putIndex, TAR_END, tarEntry, tarOf } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const temporary = temporaryFolder();
const convert = (from: string, to: string, ...options: readonly string[]) =>
  runCli(['convert', '--json', '--jobs', '1', '--min-layer-size', '0', ...options, from, to]);

type Layout = Awaited<ReturnType<typeof createLayout>>;

/** Writes a layout with the image that `write` returns, tagged `v1`. Returns its location and one for a result. */
async function writeLayout(name: string, write: (layout: Layout) => ReturnType<typeof putImage>) {
  const folder = join(temporary, name);
  const layout = await createLayout(folder);
  await layout.tag(await write(layout), 'v1');
  await layout.commit();
  return { folder, image: `oci:${folder}:v1`, result: `oci:${folder}-soci:v1` };
}

const layerOf = (layout: Layout, files: Parameters<typeof tarOf>[0]) =>
  put(layout, `${LAYER}+gzip`, gzipSync(tarOf(files)));

it('cat reads a hard link to a file of a lower layer', async () => {
  const { image, result } = await writeLayout('hard-link', async (layout) => {
    const link = concat(tarEntry({ name: 'copy.so', type: '1', linkName: 'lib.so' }), TAR_END);
    const layers = [await layerOf(layout, { 'lib.so': 'library' }), await put(layout, `${LAYER}+gzip`, gzipSync(link))];
    return putImage(layout, AMD64, layers);
  });
  expect(await convert(image, result)).toMatchObject({ code: 0 });
  for (const from of [image, result]) {
    expect(await runCli(['cat', from, 'copy.so'])).toMatchObject({ code: 0, stdout: 'library' });
  }
});

it('an image index without platforms is converted with those of the configurations', async () => {
  const { image, result } = await writeLayout('no-platforms', async (layout) =>
    putIndex(layout, [
      await putImage(layout, AMD64, [await layerOf(layout, { a: 'a' })]),
      await putImage(layout, ARM64, [await layerOf(layout, { b: 'b' })]),
    ]),
  );
  const [converted] = jsonLines<{ platforms: object[] }>(await convert(image, result));
  expect(converted?.platforms).toMatchObject([{ platform: AMD64 }, { platform: ARM64 }]);
  expect(await runCli(['verify', result])).toMatchObject({ code: 0 });
  expect(await runCli(['ls', '-q', '--platform', 'linux/arm64', result])).toMatchObject({ stdout: 'b\n' });
  const compat = await convert(image, `${result}-compat`, '--compat', 'soci-cli');
  expect(compat).toMatchObject({ code: 1, stderr: expect.stringContaining('PLATFORM_MISSING') });
});

it.each([
  ['nothing', {}],
  ['empty strings', { architecture: '', os: '' }],
  ['no architecture', { os: 'linux' }],
  ['no os', { architecture: 'amd64' }],
])('all commands accept a configuration with %s', async (name, platform) => {
  const { image, result } = await writeLayout(`config-${name.replace(' ', '-')}`, async (layout) =>
    putImage(layout, platform, [await layerOf(layout, { a: 'content' })]),
  );
  expect(await convert(image, result)).toMatchObject({ code: 0 });
  expect(await runCli(['verify', result])).toMatchObject({ code: 0 });
  for (const from of [image, result]) {
    expect(await runCli(['inspect', from])).toMatchObject({ code: 0 });
    expect(await runCli(['ls', '-q', from])).toMatchObject({ code: 0, stdout: 'a\n' });
    expect(await runCli(['cat', from, 'a'])).toMatchObject({ code: 0, stdout: 'content' });
  }
});

describe('a layer that cannot be indexed', () => {
  it.each([
    [
      'zstd with a gzip type',
      `${LAYER}+gzip`,
      zstdCompressSync(tarOf({ b: 'b' })),
      'zstd content with a gzip media type',
    ],
    ['gzip with a tar type', LAYER, gzipSync(tarOf({ b: 'b' })), 'gzip content with a tar media type'],
    ['encrypted', `${LAYER}+gzip+encrypted`, new Uint8Array(999).fill(7), undefined],
  ])('%s is skipped, and the others are indexed', async (name, mediaType, bytes, message) => {
    const { image, result } = await writeLayout(name.replaceAll(' ', '-'), async (layout) =>
      putImage(layout, AMD64, [await layerOf(layout, { a: 'a' }), await put(layout, mediaType, bytes)]),
    );
    const [converted] = jsonLines<{ layers: object[] }>(await convert(image, result));
    const reason = message === undefined ? 'encrypted' : 'media-type-mismatch';
    expect(converted?.layers).toMatchObject([{ status: 'indexed' }, { status: 'skipped', reason }]);
    if (message !== undefined) expect(converted?.layers[1]).toMatchObject({ message });
    const { stdout } = await runCli(['convert', '--force', '--jobs', '1', '--min-layer-size', '0', image, result]);
    expect(stdout).toContain(message ?? 'skipped: encrypted');
    expect(await runCli(['verify', result])).toMatchObject({ code: 0 });
    if (message === undefined) expect((await runCli(['inspect', result])).stdout).toMatch(/ encrypted +-/);
  });
});

it('an index.json that is itself a multi-platform image is one image', async () => {
  const { folder, result } = await writeLayout('flat', async (layout) =>
    putIndex(layout, [
      { ...(await putImage(layout, AMD64, [await layerOf(layout, { a: 'a' })])), platform: AMD64 },
      { ...(await putImage(layout, ARM64, [await layerOf(layout, { b: 'b' })])), platform: ARM64 },
    ]),
  );
  const path = join(folder, 'index.json');
  const [{ digest }] = JSON.parse(readFileSync(path, 'utf8')).manifests;
  writeFileSync(path, readFileSync(join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length))));
  const image = `oci:${folder}`;
  const [description] = jsonLines<{ platforms: object[] }>(await runCli(['inspect', '--json', image]));
  expect(description?.platforms).toMatchObject([{ platform: AMD64 }, { platform: ARM64 }]);
  expect(await convert(image, result)).toMatchObject({ code: 0 });
  expect(await runCli(['verify', result])).toMatchObject({ code: 0 });
  expect(await runCli(['create', '-q', '--jobs', '1', '--min-layer-size', '0', image, `${result}-v1`])).toMatchObject({
    code: 0,
  });
  expect(await runCli(['create', '-q', '--jobs', '1', '--min-layer-size', '0', image])).toMatchObject({ code: 0 });
  expect(await runCli(['verify', image])).toMatchObject({ code: 0 });
});
