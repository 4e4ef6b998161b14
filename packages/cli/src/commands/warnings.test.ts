import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { createLayout } from '@soci/oci/layout';
import { AMD64, concat, noise, put, putImage, TAR_END, tarEntry } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { beforeAll, expect, it } from 'vitest';
import { jsonLines, runCli } from '../fixtures/run-cli.ts';

const folder = temporaryFolder();
const source = `oci:${join(folder, 'image')}:v1`;
const converted = `oci:${join(folder, 'converted')}:v1`;
const WHOLE =
  'the runtime will pull this layer whole: 1 hard link has no target earlier in this layer ("copy" to "lib")';

interface Layers {
  readonly layers: readonly { readonly warnings?: readonly { readonly code: string; readonly effect: string }[] }[];
}

/** An image whose second layer has a hard link to the first. Both are larger than their zTOCs need to be. */
beforeAll(async () => {
  const layout = await createLayout(join(folder, 'image'));
  const archive = (...entries: Uint8Array[]) =>
    gzipSync(concat(...entries, tarEntry({ name: 'x' }, noise(200_000)), TAR_END));
  const base = await put(layout, MEDIA_TYPE_OCI_LAYER_GZIP, archive(tarEntry({ name: 'lib' }, 'content')));
  const link = tarEntry({ name: 'copy', type: '1', linkName: 'lib' });
  const top = await put(layout, MEDIA_TYPE_OCI_LAYER_GZIP, archive(link));
  await layout.tag(await putImage(layout, AMD64, [base, top]), 'v1');
  await layout.commit();
});

it('warns in convert', async () => {
  const run = await runCli(['convert', '--min-layer-size', '0', source, converted]);
  expect(run.code).toBe(0);
  expect(run.stderr).toMatch(/^warning: layer sha256:[0-9a-f]{12}: /m);
  expect(run.stderr).toContain(WHOLE);
  const quiet = await runCli(['convert', '-q', '--min-layer-size', '0', source, `${converted}-quiet`]);
  expect(quiet).toMatchObject({ code: 0, stderr: '' });
});

it('warns in ztoc create', async () => {
  const layer = join(folder, 'layer.tar.gz');
  const link = tarEntry({ name: 'copy', type: '1', linkName: 'lib' });
  await writeFile(layer, gzipSync(concat(link, TAR_END)));
  const run = await runCli(['ztoc', 'create', layer]);
  expect(run.code).toBe(0);
  expect(run.stderr.match(/^warning: .*$/gm)).toEqual([expect.stringContaining(WHOLE)]);
  const json = jsonLines(await runCli(['ztoc', 'create', '--json', layer]));
  expect(json).toMatchObject([{ warnings: [{ code: 'hard-link-target-missing', effect: 'pulled-whole' }] }]);
});

it('warns in verify, which succeeds', async () => {
  const run = await runCli(['verify', converted]);
  expect(run.code).toBe(0);
  expect(run.stdout).toContain('ok, 1 warning');
  expect(run.stderr).toContain(`reads back right, but ${WHOLE}`);
  const [json] = jsonLines<Layers & { valid: boolean }>(await runCli(['verify', '--json', converted]));
  expect(json).toMatchObject({ valid: true, layers: [{}, { warnings: [{ effect: 'pulled-whole' }] }] });
  expect(json?.layers[0]).not.toHaveProperty('warnings');
});

it('marks the layer in inspect', async () => {
  const run = await runCli(['inspect', converted]);
  expect(run.stdout.match(/ !/g)).toHaveLength(2);
  expect(run.stdout).toContain(WHOLE);
  const [json] = jsonLines<{ platforms: readonly Layers[] }>(await runCli(['inspect', '--json', converted]));
  expect(json?.platforms[0]?.layers.map(({ warnings = [] }) => warnings.map(({ code }) => code))).toEqual([
    [],
    ['hard-link-target-missing'],
  ]);
});
