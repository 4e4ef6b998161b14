import { randomFillSync } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Descriptor } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { AMD64, concat, paxHeader, put, putImage, TAR_END, tarEntry, tarOf } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { buildSociIndex, convertImage, findLayerWarnings, inspectImage, verifySociIndex } from '../index.ts';
import type { LayerWarning } from './layer-warning.ts';

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const file = (name: string) => tarEntry({ name }, 'content');

async function imageOf(...archives: Uint8Array[]): Promise<{ store: MemoryStore; image: Descriptor }> {
  const store = new MemoryStore();
  const layers = await Promise.all(archives.map((archive) => put(store, LAYER, gzipSync(archive))));
  return { store, image: await putImage(store, AMD64, layers) };
}

const isAboutRuntime = ({ code }: LayerWarning) => code !== 'ztoc-large';

/** Returns the codes of each layer, base layer first, without those of the size: as converted, verified and inspected. */
async function warningsOf(version: 1 | 2, ...archives: Uint8Array[]) {
  const { store, image } = await imageOf(...archives);
  const build = version === 2 ? convertImage : buildSociIndex;
  const result = await build(store, image, { minLayerSize: 0, jobs: 1 });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  const root = 'root' in result ? (result.root as Descriptor) : undefined;
  const target = root ?? (result.indexes[0] as Descriptor);
  const verified = await verifySociIndex(store, target);
  expect(verified.outcome).toBe('valid');
  const { entries } = await inspectImage(store, root ?? image);
  const [inspected] = entries.filter((entry) => entry.kind === 'image');
  if (inspected === undefined) throw new Error('no image');
  const found = await findLayerWarnings(store, inspected);
  const digests = inspected.layers.map(({ digest }) => digest);
  const codes = (warnings: readonly LayerWarning[] = []) => warnings.filter(isAboutRuntime).map(({ code }) => code);
  const built = result.layers.map((layer) => codes(layer.outcome === 'indexed' ? layer.warnings : []));
  const read = digests.map((digest) => codes(verified.layers.find(({ layer }) => layer === digest)?.warnings));
  expect(read).toEqual(built);
  expect(digests.map((digest) => codes(found.get(digest)))).toEqual(built);
  return built;
}

describe.each([1, 2] as const)('a version %s index', (version) => {
  it('has a warning for a layer that the runtime rejects', async () => {
    const link = tarEntry({ name: 'copy.so', type: '1', linkName: 'lib.so' });
    const layers = [concat(file('lib.so'), TAR_END), concat(link, TAR_END)];
    expect(await warningsOf(version, ...layers)).toEqual([[], ['hard-link-target-missing']]);
  });

  it('has only the reasons for which the runtime pulls a layer whole', async () => {
    const records = [
      ['GNU.sparse.size', '100000'],
      ['GNU.sparse.numblocks', '1'],
      ['GNU.sparse.map', '0,7'],
    ] as const;
    const sparse = concat(paxHeader(records), file('sparse'));
    expect(await warningsOf(version, concat(sparse, TAR_END))).toEqual([['sparse-file']]);
    expect(await warningsOf(version, concat(sparse, file('b'), TAR_END))).toEqual([['entries-overlap']]);
  });

  it('has a warning for a layer that writes through a symbolic link of a lower layer', async () => {
    const base = tarOf({ 'usr/lib/': '', lib: '-> usr/lib' });
    expect(await warningsOf(version, base, tarOf({ 'lib/a': 'a' }))).toEqual([[], ['writes-through-symlink']]);
    expect(await warningsOf(version, base, tarOf({ 'lib/': '', 'lib/a': 'a' }))).toEqual([[], []]);
    expect(await warningsOf(version, base, tarOf({ '.wh.lib': '' }), tarOf({ 'lib/a': 'a' }))).toEqual([[], [], []]);
    expect(await warningsOf(version, tarOf({ 'lib/a': 'a' }), base)).toEqual([[], []]);
  });
});

describe('a zTOC larger than half of its layer', () => {
  const zeros = (size: number) => tarOf({ zeros: new Uint8Array(size) });
  const sizeWarnings = async (spanSize: number, archive: Uint8Array) => {
    const { store, image } = await imageOf(archive);
    const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1, spanSize });
    const [layer] = result.layers;
    if (layer?.outcome !== 'indexed') throw new Error('not indexed');
    return { layer, warnings: layer.warnings };
  };

  it('is reported with the span size that helps', async () => {
    // Random bytes make the layer larger than a few windows.
    const archive = zeros(96 << 20);
    randomFillSync(archive, 4096, 400_000);
    const { layer, warnings } = await sizeWarnings(1 << 20, archive);
    expect(layer.ztoc.size).toBeGreaterThan(layer.size / 2);
    expect(warnings).toMatchObject([{ code: 'ztoc-large', effect: 'slow-start' }]);
    const spanSize = warnings[0]?.spanSize as number;
    expect(warnings[0]?.message).toContain(`Set the span size to ${spanSize} bytes`);
    expect((await sizeWarnings(spanSize, archive)).warnings).toEqual([]);
    expect((await sizeWarnings(spanSize / 2, archive)).warnings).toMatchObject([{ spanSize }]);
  });

  it('is reported without a span size if none helps', async () => {
    const { warnings } = await sizeWarnings(4 << 20, zeros(100));
    expect(warnings).toMatchObject([{ code: 'ztoc-large', message: expect.stringContaining('No span size helps') }]);
    expect(warnings[0]).not.toHaveProperty('spanSize');
  });
});

it('reports a zTOC that is missing, and those of other layers', async () => {
  const link = tarEntry({ name: 'a', type: '1', linkName: 'a' });
  const { store, image } = await imageOf(concat(file('b'), TAR_END), concat(link, TAR_END));
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1 });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  const [missing, ...others] = result.artifacts;
  for (const { descriptor, content } of others) await store.push(descriptor, content);
  const { entries } = await inspectImage(store, result.root);
  const inspected = entries.find((entry) => entry.kind === 'image');
  if (inspected === undefined || missing === undefined) throw new Error('no image');
  const warnings = [...(await findLayerWarnings(store, inspected)).values()].map((list) => list[0]?.code);
  expect(warnings).toEqual(['ztoc-unreadable', 'hard-link-target-missing']);
});
