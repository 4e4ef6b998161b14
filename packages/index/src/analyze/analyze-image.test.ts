import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Descriptor, digestOf } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { AMD64, ARM64, noise, put, putImage, putIndex, tarOf } from '@soci/test-content';
import { decodeZtocFiles } from '@soci/ztoc';
import { describe, expect, it } from 'vitest';
import { convertImage } from '../convert/convert-image.ts';
import { analyzeImage } from './analyze-image.ts';

const TAR = 'application/vnd.oci.image.layer.v1.tar';
const MIB = 1 << 20;

const APP = tarOf({
  'bin/': '',
  'bin/app': noise(3 * MIB, 1),
  'data/': '',
  ...Object.fromEntries([...'abcdef'].map((name, i) => [`data/${name}`, noise(3 * MIB, i + 2)])),
});
const SMALL = tarOf({ 'etc/': '', 'etc/app.conf': 'a=1\n' });

interface ImageOptions {
  readonly layers?: readonly (readonly [mediaType: string, bytes: Uint8Array])[];
  readonly Cmd?: readonly string[];
  readonly diffIds?: readonly string[];
}

async function putApp(
  store: MemoryStore,
  { layers, Cmd = ['/bin/app'], diffIds = [] }: ImageOptions = {},
  platform = AMD64,
) {
  const gzip = (tar: Uint8Array) => [`${TAR}+gzip`, gzipSync(tar, { level: 1 })] as const;
  const descriptors: Descriptor[] = [];
  for (const [mediaType, bytes] of layers ?? [gzip(APP), gzip(SMALL)]) {
    descriptors.push(await put(store, mediaType, bytes));
  }
  return putImage(store, { ...platform, config: { Cmd }, rootfs: { type: 'layers', diff_ids: diffIds } }, descriptors);
}

const profile = { files: [{ path: '/data/c' }, { path: '/etc/app.conf' }] };

describe('analyzeImage', () => {
  it('finds what a start reads of each layer, and the spans for each span size', async () => {
    const store = new MemoryStore();
    const image = await putApp(store);
    const analysis = await analyzeImage(store, image, { profile, spanSizes: [MIB, 4 * MIB], jobs: 1 });
    expect(analysis).toMatchObject({ command: ['/bin/app'], files: 2, filesFound: 2, reachedLimits: [] });
    const [app, small] = analysis.layers;
    expect(app?.skipped).toBeUndefined();
    expect(app?.content).toMatchObject({ uncompressedSize: APP.length, files: 9, warnings: [] });
    expect(app?.content?.spans.map(({ spanSize }) => spanSize)).toEqual(['auto', MIB, 4 * MIB]);
    const read = app?.content?.reads.reduce((sum, { start, end }) => sum + end - start, 0) ?? 0;
    // The file and its tar header.
    expect(read).toBe(3 * MIB + 512);
    expect(app?.content?.spans.every(({ bytesRead }) => bytesRead >= 3 * MIB && bytesRead < 12 * MIB)).toBe(true);
    expect([...decodeZtocFiles(app?.content?.ztoc ?? new Uint8Array())]).toHaveLength(9);
    expect(small).toMatchObject({ skipped: { reason: 'smaller-than-min-layer-size' }, content: { files: 2 } });
  });

  it('agrees with what convertImage reports', async () => {
    const store = new MemoryStore();
    const image = await putApp(store);
    const { layers } = await analyzeImage(store, image, { profile, jobs: 1 });
    const converted = await convertImage(store, image, { profile, jobs: 1 });
    if (converted.outcome !== 'indexed') throw new Error('nothing was indexed');
    const auto = layers[0]?.content?.spans[0];
    expect(converted.platforms[0]?.start?.bytesRead).toBe(auto?.bytesRead);
    expect(converted.layers[0]).toMatchObject({ outcome: 'indexed', spans: auto?.spans });
    expect(Math.abs((converted.platforms[0]?.start?.ztocsSize ?? 0) - (auto?.ztocSize ?? 0))).toBeLessThan(16);
  });

  it('predicts a profile if none is given', async () => {
    const store = new MemoryStore();
    const analysis = await analyzeImage(store, await putApp(store), { jobs: 1 });
    expect(analysis).toMatchObject({ origin: 'predicted', files: 1, filesFound: 1 });
    const none = await analyzeImage(store, await putApp(store, { Cmd: [] }), { jobs: 1 });
    expect(none).toMatchObject({ command: [], files: 0, filesFound: 0 });
  });

  it('says why a layer cannot be indexed', async () => {
    const store = new MemoryStore();
    const image = await putApp(store, {
      layers: [
        [`${TAR}+gzip`, zstdCompressSync(APP)],
        [`${TAR}+gzip+encrypted`, noise(100, 1)],
        ['application/vnd.in-toto+json', noise(100, 2)],
      ],
    });
    const { layers } = await analyzeImage(store, image, { profile, minLayerSize: 0, jobs: 1 });
    expect(layers.map(({ skipped }) => skipped)).toMatchObject([
      { reason: 'media-type-mismatch', message: 'zstd content with a gzip media type' },
      { reason: 'encrypted' },
      { reason: 'not-an-image-layer' },
    ]);
    expect(layers.map(({ content }) => content)).toEqual([undefined, undefined, undefined]);
  });

  it('describes the gzip layer that a zstd layer becomes, as convertImage reports it', async () => {
    const store = new MemoryStore();
    const gzip = [`${TAR}+gzip`, gzipSync(SMALL)] as const;
    const image = await putApp(store, {
      layers: [[`${TAR}+zstd`, zstdCompressSync(APP)], gzip],
      diffIds: [APP, SMALL].map((tar) => digestOf(tar)),
    });
    const options = { profile, jobs: 1, recompress: ['zstd'] as const };
    const { layers, sociIndex } = await analyzeImage(store, image, options);
    const converted = await convertImage(store, image, options);
    const [expected] = converted.layers;
    if (expected?.outcome !== 'indexed') throw new Error('the layer was not indexed');
    expect(sociIndex).toBeUndefined();
    expect(layers).toMatchObject([
      {
        digest: expected.recompressedFrom?.digest,
        mediaType: `${TAR}+zstd`,
        size: zstdCompressSync(APP).length,
        recompressedSize: expected.size,
        content: { files: 9, spans: [{ spanSize: 'auto', spans: expected.spans }] },
      },
      { size: gzip[1].length },
    ]);
    expect(layers[1]).not.toHaveProperty('recompressedSize');
    const predicted = await analyzeImage(store, image, { jobs: 1, recompress: ['zstd'] });
    expect(predicted).toMatchObject({ origin: 'predicted', filesFound: 1 });
  });

  it('needs a platform if there are several', async () => {
    const store = new MemoryStore();
    const image = await putIndex(
      store,
      [
        { descriptor: await putApp(store), platform: AMD64 },
        { descriptor: await putApp(store, {}, ARM64), platform: ARM64 },
      ].map(({ descriptor, platform }) => ({ ...descriptor, platform })),
    );
    await expect(analyzeImage(store, image, { jobs: 1 })).rejects.toMatchObject({ code: 'PLATFORM_AMBIGUOUS' });
    const analysis = await analyzeImage(store, image, { platform: ARM64, profile, jobs: 1 });
    expect(analysis.platform).toMatchObject(ARM64);
    await expect(
      analyzeImage(store, image, { platform: { os: 'linux', architecture: 'riscv64' }, jobs: 1 }),
    ).rejects.toMatchObject({ code: 'PLATFORM_NOT_FOUND' });
  });

  it('analyses an image that is indexed already', async () => {
    const store = new MemoryStore();
    const converted = await convertImage(store, await putApp(store), { jobs: 1 });
    if (converted.outcome !== 'indexed') throw new Error('nothing was indexed');
    for (const { descriptor, content } of converted.artifacts) await store.push(descriptor, content);
    const analysis = await analyzeImage(store, converted.root, { profile, jobs: 1 });
    const [index] = converted.indexes;
    expect(analysis).toMatchObject({
      sociIndex: index?.digest,
      filesFound: 2,
      layers: [{ content: { files: 9 } }, {}],
    });
  });
});
