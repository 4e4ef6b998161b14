import { type Descriptor, digestOf, MEDIA_TYPE_OCI_LAYER_GZIP, MEDIA_TYPE_OCI_LAYER_ZSTD } from '@soci/oci';
import { makeLayer, put, putImage, putIndex, putLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import type { SociIndexError } from '../errors.ts';
import { CountingStore } from '../fixtures/observed-stores.ts';
import type { IndexProgress } from '../progress.ts';
import { recognizeIndexes } from '../recognize/recognize-indexes.ts';
import { buildSociIndex } from './build-index.ts';
import { convertImage } from './convert-image.ts';

const AMD64 = { architecture: 'amd64', os: 'linux' };
const ARM64 = { architecture: 'arm64', os: 'linux' };

describe('buildSociIndex', () => {
  it('builds an index for each platform and reports on each layer', async () => {
    const store = new CountingStore();
    const large = await putLayer(store, 'large', 40_000);
    const small = await putLayer(store, 'small', 10);
    const zstd = await put(store, MEDIA_TYPE_OCI_LAYER_ZSTD, Buffer.alloc(2000));
    const amd64 = await putImage(store, AMD64, [small, large, zstd]);
    const arm64 = await putImage(store, ARM64, [large]);
    const image = await putIndex(store, [
      { ...amd64, platform: AMD64 },
      { ...arm64, platform: ARM64 },
    ]);

    const result = await buildSociIndex(store, image, { minLayerSize: 1000 });

    if (result.outcome !== 'indexed') throw new Error(result.reason);
    expect(result.platforms.map(({ platform, manifest }) => [platform, manifest.digest])).toEqual([
      [AMD64, amd64.digest],
      [ARM64, arm64.digest],
    ]);
    expect(result.layers).toMatchObject([
      { outcome: 'skipped', reason: 'smaller-than-min-layer-size', digest: small.digest, size: small.size },
      { outcome: 'indexed', digest: large.digest, spans: 1, files: 1, uncompressedSize: 42_000 - 16 },
      { outcome: 'skipped', reason: 'unsupported-compression', digest: zstd.digest },
    ]);
    expect(result.artifacts.map(({ kind }) => kind)).toEqual(['ztoc', 'soci-config', 'soci-index', 'soci-index']);
    const manifests = result.artifacts.filter(({ kind }) => kind === 'soci-index');
    expect(manifests.map(({ content }) => JSON.parse(Buffer.from(content).toString()).subject)).toEqual([amd64, arm64]);
    for (const { descriptor, content } of result.artifacts) expect(digestOf(content)).toBe(descriptor.digest);
  });

  it('fetches a layer once even if it is listed several times', async () => {
    const store = new CountingStore();
    const layer = await putLayer(store, 'shared', 5000);
    const image = await putIndex(store, [
      { ...(await putImage(store, AMD64, [layer, layer])), platform: AMD64 },
      { ...(await putImage(store, ARM64, [layer])), platform: ARM64 },
    ]);
    await buildSociIndex(store, image, { minLayerSize: 0 });
    expect(store.fetches.get(layer.digest)).toBe(1);
  });

  it('indexes the platforms that have a layer to index, and none of them with compat', async () => {
    const store = new CountingStore();
    const image = await putIndex(store, [
      { ...(await putImage(store, AMD64, [await putLayer(store, 'small', 10)])), platform: AMD64 },
      { ...(await putImage(store, ARM64, [await putLayer(store, 'large', 40_000)])), platform: ARM64 },
    ]);
    const options = { minLayerSize: 1000 };
    expect(await buildSociIndex(store, image, options)).toMatchObject({
      outcome: 'indexed',
      indexes: [{}],
      platforms: [{ platform: AMD64 }, { platform: ARM64, index: {} }],
    });
    expect(await buildSociIndex(store, image, { ...options, compat: 'soci-cli' })).toMatchObject({
      outcome: 'nothing-to-index',
      reason: 'no-layer-to-index',
    });
  });

  it('indexes only the selected platforms', async () => {
    const store = new CountingStore();
    const layer = await putLayer(store, 'a', 100);
    const image = await putIndex(store, [
      { ...(await putImage(store, AMD64, [layer])), platform: AMD64 },
      { ...(await putImage(store, ARM64, [layer])), platform: ARM64 },
    ]);
    expect(await buildSociIndex(store, image, { minLayerSize: 0, platforms: [ARM64] })).toMatchObject({
      platforms: [{ platform: ARM64 }],
    });
  });

  it.each([
    ['an image index', [AMD64, ARM64], 'linux/amd64, linux/arm64'],
    ['an image manifest', [AMD64], 'linux/amd64'],
    [
      'an image index with many platforms',
      Array.from({ length: 25 }, (_, i) => ({ os: 'linux', architecture: `a${i}` })),
      /linux\/a0, .*linux\/a19 and 5 more$/,
    ],
  ])('lists the platforms of %s that does not have the selected one', async (_, platforms, listed) => {
    const store = new CountingStore();
    const layer = await putLayer(store, 'a', 100);
    const images = await Promise.all(
      platforms.map(async (platform) => ({ ...(await putImage(store, platform, [layer])), platform })),
    );
    const { platform: __, ...only } = images[0] as Descriptor;
    const image = images.length === 1 ? only : await putIndex(store, images);
    for (const build of [buildSociIndex, convertImage]) {
      const building = build(store, image, { platforms: [{ os: 'linux', architecture: 's390x' }] });
      const error = await building.then(() => undefined).catch((each: SociIndexError) => each);
      expect(error).toMatchObject({ code: 'PLATFORM_NOT_FOUND', digest: image.digest });
      expect(error?.message).toMatch(listed);
    }
  });

  it('indexes a platform once, even if a SOCI index in the image has the same platform', async () => {
    const store = new CountingStore();
    const image = await putImage(store, AMD64, [await putLayer(store, 'a', 5000)]);
    const options = { minLayerSize: 0 };
    const converted = await convertImage(store, image, options);
    if (converted.outcome !== 'indexed') throw new Error(converted.reason);
    for (const { descriptor, content } of converted.artifacts) await store.push(descriptor, content);

    const result = await buildSociIndex(store, converted.root, options);
    if (result.outcome !== 'indexed') throw new Error(result.reason);
    expect([result.indexes.length, result.platforms.length]).toEqual([1, 1]);
    for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
    expect(await recognizeIndexes(store, converted.root, options)).toMatchObject({ indexes: result.indexes });

    const twice = await buildSociIndex(store, image, {
      ...options,
      platforms: [AMD64, { ...AMD64, architecture: 'x86_64' }],
    });
    expect(twice.platforms).toHaveLength(1);
  });

  it('returns nothing-to-index for content without a platform', async () => {
    const store = new CountingStore();
    const config = await put(store, 'application/vnd.cncf.helm.config.v1+json', {});
    const chart = await put(store, 'application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      config,
      layers: [],
    });
    expect(await buildSociIndex(store, chart)).toEqual({
      outcome: 'nothing-to-index',
      reason: 'no-platform',
      platforms: [],
      layers: [],
    });
  });

  it('reports progress', async () => {
    const store = new CountingStore();
    const layer = await putLayer(store, 'a', 5000);
    const events: IndexProgress[] = [];
    const image = await putImage(store, AMD64, [layer]);
    await buildSociIndex(store, image, { minLayerSize: 0, onProgress: (event) => events.push(event) });
    expect(events[0]).toEqual({ type: 'planned', layers: 1, bytes: layer.size });
    expect(events[1]).toEqual({ type: 'layer-started', layer: layer.digest, size: layer.size });
    expect(events.at(-2)).toMatchObject({ type: 'layer-progress', layer: layer.digest, bytes: layer.size });
    expect(events.at(-1)).toMatchObject({ type: 'layer-done', layer: layer.digest, spans: 1, files: 1 });
  });

  describe('rejects', () => {
    it('a layer that does not match its digest', async () => {
      const store = new CountingStore();
      const { bytes } = makeLayer('a', 5000);
      // Change the time in the gzip header: the data stays valid, but the digest does not match.
      const changed = Uint8Array.from(bytes, (byte, i) => (i === 4 ? byte ^ 1 : byte));
      const layer = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, bytes);
      const image = await putImage(store, AMD64, [layer]);
      const damagedStore = {
        fetch: (target: typeof layer) => (target.digest === layer.digest ? once(changed) : store.fetch(target)),
      };
      await expect(buildSociIndex(damagedStore, image, { minLayerSize: 0 })).rejects.toMatchObject({
        code: 'LAYER_MISMATCH',
        digest: layer.digest,
      });
    });

    it('a layer that is longer than its descriptor says, without reading the rest', async () => {
      const store = new CountingStore();
      const layer = await putLayer(store, 'a', 5000);
      const image = await putImage(store, AMD64, [layer]);
      let chunks = 0;
      async function* endless() {
        for (;;) {
          chunks += 1;
          yield makeLayer('a', 5000).bytes;
        }
      }
      const damagedStore = {
        fetch: (target: typeof layer) => (target.digest === layer.digest ? endless() : store.fetch(target)),
      };
      await expect(buildSociIndex(damagedStore, image, { minLayerSize: 0 })).rejects.toMatchObject({
        code: 'LAYER_MISMATCH',
      });
      expect(chunks).toBe(2);
    });

    it('a damaged layer, with the byte offset', async () => {
      const store = new CountingStore();
      const { bytes } = makeLayer('a', 5000);
      const layer = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, bytes.subarray(0, bytes.length - 20));
      const image = await putImage(store, AMD64, [layer]);
      await expect(buildSociIndex(store, image, { minLayerSize: 0 })).rejects.toMatchObject({
        code: 'LAYER_INVALID',
        digest: layer.digest,
        cause: { name: 'ZtocError', code: 'GZIP_TRUNCATED', offset: expect.any(Number) },
      });
    });

    it('a document that could be a manifest or an index', async () => {
      const store = new CountingStore();
      const both = await put(store, 'application/octet-stream', { schemaVersion: 2, manifests: [], layers: [] });
      for (const mediaType of [
        'application/vnd.oci.image.manifest.v1+json',
        'application/vnd.oci.image.index.v1+json',
      ]) {
        await expect(buildSociIndex(store, { ...both, mediaType })).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
      }
    });

    it('a manifest larger than the limit, before fetching it', async () => {
      const store = new CountingStore();
      const image = {
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: digestOf(Buffer.of()),
        size: 1e9,
      };
      await expect(buildSociIndex(store, image)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
      expect(store.fetches.size).toBe(0);
    });

    it('nested indexes whose number of references grows exponentially', async () => {
      const store = new CountingStore();
      let image = await putImage(store, AMD64, []);
      for (let level = 0; level < 20; level += 1) image = await putIndex(store, [image, image]);
      await expect(buildSociIndex(store, image)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    });

    it.each([
      { spanSize: 0 },
      { spanSize: 1.5 },
      { minLayerSize: -1 },
      { jobs: 0 },
      { optimizations: ['speed' as 'xattr'] },
      { compat: 'other' as 'soci-cli' },
    ])('invalid options: %j', async (options) => {
      const store = new CountingStore();
      const image = await putImage(store, AMD64, []);
      await expect(buildSociIndex(store, image, options)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    });
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
