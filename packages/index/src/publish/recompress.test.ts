import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdCompressSync } from 'node:zlib';
import {
  copyImage,
  type Descriptor,
  type ImageWriter,
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_ZSTD,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  parseImageIndex,
  parseManifest,
  readVerified,
} from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import {
  ARM64,
  type CompressedLayer,
  compressInFrames,
  makeTextLayer,
  makeTextTar,
  makeZstdTextLayer,
  putIndex,
  putLayeredImage,
  tarOf,
} from '@soci/test-content';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountingStore } from '../fixtures/observed-stores.ts';
import { verifySociIndex } from '../verify/verify-index.ts';
import { indexImage } from './index-image.ts';
import type { IndexImageOptions, SourceStore } from './options.ts';

const OPTIONS = { minLayerSize: 1000, jobs: 1, recompress: ['zstd'] } satisfies IndexImageOptions;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recompress-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function storeWith(layers: readonly CompressedLayer[], options?: Parameters<typeof putLayeredImage>[2]) {
  const store = new CountingStore();
  const image = await putLayeredImage(store, layers, options);
  await store.tag(image, 'v1');
  return { store, image };
}

/** Converts `v1` of a store into a new layout. */
async function convertToLayout(store: SourceStore, name: string, options: IndexImageOptions = OPTIONS) {
  const path = join(folder, name);
  const draft = await createLayout(path);
  try {
    const result = await indexImage({ store, reference: 'v1' }, { store: draft, tag: 'v1' }, options);
    await draft.commit();
    return { result, layout: await openLayout(path), path };
  } finally {
    await draft.discard();
  }
}

/** Returns the image manifest of a SOCI-enabled image with one platform. */
async function readImage(store: SourceStore, root: Descriptor) {
  const { manifests } = parseImageIndex(await readVerified(store, root), root);
  const [image] = manifests.filter(({ artifactType }) => artifactType === undefined);
  return parseManifest(await readVerified(store, image as Descriptor), image as Descriptor);
}

async function readAll(store: SourceStore, layer: Descriptor): Promise<Buffer> {
  return Buffer.from(await readVerified(store, layer, { maxSize: 1 << 30 }));
}

describe('indexImage with recompress', () => {
  const frames = makeTextTar('frames', 300_000);
  const layers: readonly CompressedLayer[] = [
    makeZstdTextLayer('base'),
    makeTextLayer('middle'),
    {
      tar: frames,
      bytes: compressInFrames(frames),
      mediaType: MEDIA_TYPE_OCI_LAYER_ZSTD,
      annotations: { 'io.github.containers.zstd-chunked.manifest-checksum': 'sha256:0', 'org.example': 'kept' },
    },
    makeZstdTextLayer('tiny', 100),
  ];

  it('turns zstd layers into indexed gzip layers with the same content', async () => {
    const { store, image } = await storeWith(layers);
    const { result, layout } = await convertToLayout(store, 'app');
    if (result.outcome !== 'indexed') throw new Error(result.message);
    const before = parseManifest(await readVerified(store, image), image);
    const after = await readImage(layout, result.root as Descriptor);
    expect(after.config.digest).toBe(before.config.digest);
    expect(after.layers.map(({ mediaType }) => mediaType)).toEqual([
      MEDIA_TYPE_OCI_LAYER_GZIP,
      MEDIA_TYPE_OCI_LAYER_GZIP,
      MEDIA_TYPE_OCI_LAYER_GZIP,
      MEDIA_TYPE_OCI_LAYER_ZSTD,
    ]);
    expect(after.layers[1]).toEqual(before.layers[1]);
    expect(after.layers[2]?.annotations).toEqual({ 'org.example': 'kept' });
    expect(after.layers[3]).toEqual(before.layers[3]);
    for (const position of [0, 1, 2]) {
      const layer = after.layers[position] as Descriptor;
      expect(gunzipSync(await readAll(layout, layer)).equals(layers[position]?.tar as Uint8Array)).toBe(true);
    }
    expect(result.layers).toMatchObject([
      { outcome: 'indexed', digest: after.layers[0]?.digest, recompressedFrom: before.layers[0] },
      { outcome: 'indexed', digest: after.layers[1]?.digest },
      { outcome: 'indexed', recompressedFrom: { digest: before.layers[2]?.digest, size: before.layers[2]?.size } },
      { outcome: 'skipped', reason: 'smaller-than-min-layer-size' },
    ]);
    expect(result.bytesRead).toBe(before.layers.slice(0, 3).reduce((sum, { size }) => sum + size, 0));
    expect(await verifySociIndex(layout, result.root as Descriptor)).toMatchObject({ outcome: 'valid' });
  });

  it('reads each layer once, and does not write the zstd layers', async () => {
    const { store, image } = await storeWith(layers);
    const { path } = await convertToLayout(store, 'once');
    const { layers: before } = parseManifest(await readVerified(store, image), image);
    const blobs = await readdir(join(path, 'blobs', 'sha256'));
    for (const { digest, mediaType, size } of before) {
      const isRecompressed = mediaType === MEDIA_TYPE_OCI_LAYER_ZSTD && size > 1000;
      expect(blobs.includes(digest.slice('sha256:'.length))).toBe(!isRecompressed);
      if (isRecompressed) expect(store.fetches.get(digest)).toBe(1);
    }
    expect(blobs.filter((name) => !/^[0-9a-f]{64}$/.test(name))).toEqual([]);
  });

  it('is reproducible, on any number of threads', async () => {
    const { store } = await storeWith(layers);
    const [one, two] = [
      await convertToLayout(store, 'run-1'),
      await convertToLayout(store, 'run-2', { ...OPTIONS, jobs: 3 }),
    ];
    expect(two.result).toMatchObject({ outcome: 'indexed', root: (one.result as { root?: Descriptor }).root });
    // The header has no time, and an unknown operating system.
    const [image] = [await readImage(one.layout, (one.result as { root: Descriptor }).root)];
    const header = (await readAll(one.layout, image.layers[0] as Descriptor)).subarray(0, 10);
    expect(header).toEqual(Buffer.from('1f8b08000000000000ff', 'hex'));
  });

  it('recognizes its result, and converts again if the setting changes', async () => {
    const { store } = await storeWith(layers);
    const source = { store, reference: 'v1' };
    const target = { store, tag: 'v1-soci' };
    const run = (recompress: IndexImageOptions['recompress']) =>
      indexImage(source, target, { ...OPTIONS, recompress: recompress ?? [] });
    const first = await run(['zstd']);
    expect(first).toMatchObject({ outcome: 'indexed', indexes: [{}] });
    store.fetches.clear();
    expect(await run(['zstd'])).toMatchObject({ outcome: 'already-indexed' });
    expect(await run(['zstd', 'zstd'])).toMatchObject({ outcome: 'already-indexed' });
    const read = parseManifest(await readVerified(store, await store.resolve('v1')), await store.resolve('v1'));
    expect(read.layers.filter(({ digest }) => store.fetches.has(digest))).toEqual([]);
    const none = await run([]);
    expect(none).toMatchObject({ outcome: 'indexed' });
    expect(none.outcome === 'indexed' && none.layers.filter(({ outcome }) => outcome === 'indexed')).toHaveLength(1);
    expect(await run(['tar', 'zstd'])).toMatchObject({ outcome: 'indexed' });
    expect(await run(['zstd', 'tar'])).toMatchObject({ outcome: 'already-indexed' });
    // Converting the result again keeps it.
    const result = await indexImage({ store, reference: 'v1-soci' }, target, {
      ...OPTIONS,
      recompress: ['zstd', 'tar'],
      reindex: true,
    });
    expect(result).toMatchObject({ outcome: 'already-indexed' });
  });

  it('recompresses uncompressed layers only if asked', async () => {
    const tar = makeTextTar('plain', 100_000);
    const { store } = await storeWith([{ tar, bytes: tar, mediaType: MEDIA_TYPE_OCI_LAYER }]);
    const zstd = await convertToLayout(store, 'tar-kept');
    expect(zstd.result).toMatchObject({ layers: [{ outcome: 'indexed', mediaType: MEDIA_TYPE_OCI_LAYER }] });
    const both = await convertToLayout(store, 'tar-gzip', { ...OPTIONS, recompress: ['zstd', 'tar'] });
    expect(both.result).toMatchObject({
      layers: [{ mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, recompressedFrom: { size: tar.length } }],
    });
    const {
      layers: [layer],
    } = await readImage(both.layout, (both.result as { root: Descriptor }).root);
    expect(gunzipSync(await readAll(both.layout, layer as Descriptor)).equals(tar)).toBe(true);
  });

  it('keeps the kind of Docker layers', async () => {
    const { store } = await storeWith([makeZstdTextLayer('docker', 100_000, MEDIA_TYPE_DOCKER_LAYER_ZSTD)], {
      mediaType: MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
    });
    const { result } = await convertToLayout(store, 'docker');
    expect(result).toMatchObject({ layers: [{ outcome: 'indexed', mediaType: MEDIA_TYPE_DOCKER_LAYER_GZIP }] });
  });

  it('recompresses zstd content whose media type says gzip', async () => {
    const layer = makeZstdTextLayer('mislabelled', 100_000, MEDIA_TYPE_OCI_LAYER_GZIP);
    const { store } = await storeWith([layer]);
    const { result, layout } = await convertToLayout(store, 'mislabelled');
    expect(result).toMatchObject({ layers: [{ outcome: 'indexed', mediaType: MEDIA_TYPE_OCI_LAYER_GZIP }] });
    const {
      layers: [after],
    } = await readImage(layout, (result as { root: Descriptor }).root);
    expect(gunzipSync(await readAll(layout, after as Descriptor)).equals(layer.tar)).toBe(true);
  });

  it.each([
    'application/vnd.oci.image.layer.v1.tar+zstd+encrypted',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  ])('does not change a layer of type %s', async (mediaType) => {
    const { store } = await storeWith([makeZstdTextLayer('kept', 100_000, mediaType), makeZstdTextLayer('other')]);
    const { result } = await convertToLayout(store, mediaType.replaceAll('/', '-'));
    expect(result).toMatchObject({ layers: [{ outcome: 'skipped', mediaType }, { outcome: 'indexed' }] });
  });

  it('verifies recompressed layers with each kind of proof', async () => {
    const { store } = await storeWith(layers);
    const spans = await convertToLayout(store, 'spans', { ...OPTIONS, proof: { spans: 2 } });
    expect(spans.result).toMatchObject({ outcome: 'indexed', proof: { spansRead: 3 } });
    const whole = await convertToLayout(store, 'whole', { ...OPTIONS, proof: 'read-back' });
    expect(whole.result).toMatchObject({ outcome: 'indexed', proof: { filesRead: 3 } });
  });

  it('creates the layers again for a target that needs their size first', async () => {
    const { store } = await storeWith(layers);
    const written = new MemoryStore();
    const target = {
      async writeImages(content: SourceStore, [root]: readonly { readonly target: Descriptor }[]) {
        await copyImage(content, written, root?.target as Descriptor);
      },
    } as ImageWriter;
    const result = await indexImage({ store, reference: 'v1' }, { store: target }, OPTIONS);
    if (result.outcome !== 'indexed') throw new Error(result.message);
    expect(await verifySociIndex(written, result.root as Descriptor)).toMatchObject({ outcome: 'valid' });
  });

  it('updates a multi-platform image with its attestations', async () => {
    const store = new CountingStore();
    const [amd64, arm64] = [
      await putLayeredImage(store, [makeZstdTextLayer('amd64')]),
      await putLayeredImage(store, [makeZstdTextLayer('arm64'), makeZstdTextLayer('amd64')], { platform: ARM64 }),
    ];
    const attestation = await putLayeredImage(store, [], { platform: { architecture: 'unknown', os: 'unknown' } });
    const platform = (architecture: string) => ({
      platform: { os: architecture === 'unknown' ? 'unknown' : 'linux', architecture },
    });
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': amd64.digest,
    };
    const index = await putIndex(store, [
      { ...amd64, ...platform('amd64') },
      { ...arm64, ...platform('arm64') },
      { ...attestation, ...platform('unknown'), annotations },
    ]);
    await store.tag(index, 'v1');
    const { result, layout } = await convertToLayout(store, 'platforms');
    if (result.outcome !== 'indexed') throw new Error(result.message);
    expect(result.layers).toMatchObject([{ recompressedFrom: {} }, { recompressedFrom: {} }]);
    const root = result.root as Descriptor;
    const { manifests } = parseImageIndex(await readVerified(layout, root), root);
    expect(manifests[2]?.annotations?.['vnd.docker.reference.digest']).toBe(manifests[0]?.digest);
    expect(await verifySociIndex(layout, root)).toMatchObject({ outcome: 'valid' });
  });
});

describe('indexImage with recompress fails', () => {
  const failure = async (
    layer: CompressedLayer | readonly CompressedLayer[],
    options: IndexImageOptions = {},
    diffIds?: string[],
  ) => {
    const layers = Array.isArray(layer) ? layer : [layer];
    const { store } = await storeWith(layers as CompressedLayer[], diffIds && { diffIds });
    const error = await indexImage({ store, reference: 'v1' }, { store, tag: 'out' }, { ...OPTIONS, ...options }).catch(
      (error: unknown) => error,
    );
    await expect(store.resolve('out')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    return error;
  };
  const layer = makeZstdTextLayer('layer');
  const other = `sha256:${'0'.repeat(64)}`;

  it('if the content does not match the diff_id', async () => {
    const error = await failure(layer, {}, [other]);
    expect(error).toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining(`has the diff_id ${other}`),
    });
  });

  it('if the configuration does not have one diff_id for each layer', async () => {
    expect(await failure(layer, {}, [])).toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('has 0 diff_ids for 1 layers'),
    });
  });

  it('if the layer exceeds the limit on uncompressed bytes', async () => {
    const tar = tarOf({ zeros: new Uint8Array(5_000_000) });
    const bomb = { tar, bytes: zstdCompressSync(tar), mediaType: MEDIA_TYPE_OCI_LAYER_ZSTD };
    const options = { minLayerSize: 0, layerLimits: { maxUncompressedSize: 1_000_000 } };
    expect(await failure(bomb, options)).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('if the layer is truncated, damaged, or followed by other data', async () => {
    const { tar, bytes, mediaType } = layer;
    const damaged = Buffer.from(bytes).fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 50);
    for (const invalid of [bytes.subarray(0, -10), damaged, Buffer.concat([bytes, Buffer.from('other data')])]) {
      expect(await failure({ tar, bytes: invalid, mediaType })).toMatchObject({
        code: 'LAYER_INVALID',
        message: expect.stringContaining('invalid zstd data'),
      });
    }
  });

  it('if the content is not a tar', async () => {
    const tar = Buffer.alloc(50_000, 'not a tar');
    const error = await failure(
      { tar, bytes: Buffer.concat([zstdCompressSync(tar), Buffer.alloc(0)]), mediaType: MEDIA_TYPE_OCI_LAYER_ZSTD },
      { minLayerSize: 0 },
    );
    expect(error).toMatchObject({ code: 'LAYER_INVALID' });
  });

  it('if it is combined with compat or version 1', async () => {
    const { code, message } = (await failure(layer, { compat: 'soci-cli' })) as { code: string; message: string };
    expect({ code, message }).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('compat') });
    expect(await failure(layer, { version: 1 })).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('version 2'),
    });
    const unknown = { recompress: ['gzip'] } as unknown as IndexImageOptions;
    expect(await failure(layer, unknown)).toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('and leaves nothing in a layout if it is aborted', async () => {
    const { store } = await storeWith([layer, makeZstdTextLayer('second', 400_000)]);
    const abort = new AbortController();
    const reason = new Error('stopped');
    const path = join(folder, 'aborted');
    const draft = await createLayout(path);
    const onProgress: IndexImageOptions['onProgress'] = ({ type }) => type === 'layer-progress' && abort.abort(reason);
    const options = { ...OPTIONS, onProgress, signal: abort.signal };
    await expect(indexImage({ store, reference: 'v1' }, { store: draft, tag: 'v1' }, options)).rejects.toBe(reason);
    await draft.discard();
    expect((await readdir(folder)).filter((name) => name.startsWith('aborted'))).toEqual([]);
  });
});
