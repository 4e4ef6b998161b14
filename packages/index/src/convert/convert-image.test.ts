import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Descriptor } from '@soci/oci';
import { concat, put, putImage, putIndex, putLayer, TAR_END, tarEntry, tarHeader, tarOf } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { type GoldenImage, openGolden } from '../fixtures/golden.ts';
import { CountingStore } from '../fixtures/observed-stores.ts';
import { inspectImage, readPlatform } from '../inspect/inspect-image.ts';
import type { SociIndexOptions } from '../options.ts';
import type { IndexProgress } from '../progress.ts';
import { recognizeConversion } from '../recognize/recognize-conversion.ts';
import {
  ANNOTATION_IMAGE_MANIFEST_DIGEST,
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_REFERENCE_DIGEST,
  ANNOTATION_REFERENCE_TYPE,
  ATTESTATION_MANIFEST,
  MEDIA_TYPE_SOCI_INDEX_V2,
} from '../vocabulary.ts';
import { type ConvertedImage, convertImage } from './convert-image.ts';

const AMD64 = { architecture: 'amd64', os: 'linux' };
const ARM64 = { architecture: 'arm64', os: 'linux' };

async function convert(
  { store, image }: Pick<GoldenImage, 'image'> & { store: Pick<CountingStore, 'fetch' | 'push'> },
  options: SociIndexOptions = {},
): Promise<ConvertedImage & { manifests: Descriptor[] }> {
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1, ...options });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  const root = result.artifacts.at(-1);
  expect(root?.descriptor).toEqual(result.root);
  return { ...result, manifests: JSON.parse(Buffer.from(root?.content ?? []).toString()).manifests };
}

describe('convertImage without compat', () => {
  it('keeps the annotations of descriptors, which soci drops', async () => {
    const { manifests, indexes } = await convert(await openGolden('multi-annotated'));
    expect(manifests[0]?.annotations).toEqual({ k: 'lost?', [ANNOTATION_INDEX_DIGEST]: indexes[0]?.digest });
    const compat = await convert(await openGolden('multi-annotated'), { compat: 'soci-cli' });
    expect(compat.manifests[0]?.annotations).toEqual({ [ANNOTATION_INDEX_DIGEST]: indexes[0]?.digest });
  });

  it('updates the reference of an attestation, and does not change the attestation', async () => {
    const golden = await openGolden('attested');
    const { manifests, artifacts } = await convert(golden);
    const [image, attestation, index] = manifests;
    expect(attestation).toEqual({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: 'sha256:4869d5ab317cbf6a8ba60d2d3ec7bdee27b7d2ca7d3f88fe6137f272e9cf9a60',
      size: 484,
      annotations: { [ANNOTATION_REFERENCE_TYPE]: ATTESTATION_MANIFEST, [ANNOTATION_REFERENCE_DIGEST]: image?.digest },
      platform: { architecture: 'unknown', os: 'unknown' },
    });
    expect(artifacts.map(({ descriptor }) => descriptor.digest)).not.toContain(attestation?.digest);
    expect(index).toMatchObject({ artifactType: MEDIA_TYPE_SOCI_INDEX_V2, platform: AMD64 });
  });

  it('returns nothing-to-index with the reason of each layer', async () => {
    const { store, image } = await openGolden('zstd-only');
    expect(await convertImage(store, image, { minLayerSize: 0 })).toMatchObject({
      outcome: 'nothing-to-index',
      reason: 'no-layer-to-index',
      layers: [{ outcome: 'skipped', reason: 'unsupported-compression' }],
    });
  });

  it('skips a layer that is not an image layer', async () => {
    const { layers } = await convert(await openGolden('wrong-type'));
    expect(layers.map((layer) => (layer.outcome === 'skipped' ? layer.reason : layer.outcome))).toEqual([
      'indexed',
      'not-an-image-layer',
    ]);
  });
});

const OCI = 'application/vnd.oci.image.layer.v1.tar';

describe('a layer whose content does not match its media type', () => {
  const DOCKER = 'application/vnd.docker.image.rootfs.diff.tar';
  const tar = tarOf({ a: 'a'.repeat(9999) });
  const good = gzipSync(tarOf({ b: 'b'.repeat(9999) }));

  it.each([
    [`${OCI}+gzip`, 'zstd', zstdCompressSync(tar)],
    [`${DOCKER}.gzip`, 'zstd', zstdCompressSync(tar)],
    [OCI, 'zstd', zstdCompressSync(tar)],
    [OCI, 'gzip', gzipSync(tar)],
    [DOCKER, 'gzip', gzipSync(tar)],
    [`${OCI}+gzip`, 'tar', tar],
    [`${OCI}+gzip`, 'xz', new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 1, 2])],
    [OCI, 'bzip2', new Uint8Array([0x42, 0x5a, 0x68, 0x39])],
  ])('%s with %s content is skipped, and others are indexed', async (mediaType, format, bytes) => {
    const store = new CountingStore();
    const layers = [await put(store, `${OCI}+gzip`, good), await put(store, mediaType, bytes)];
    const image = await putImage(store, AMD64, layers);
    for (const jobs of [1, 2]) {
      const events: string[] = [];
      const onProgress = ({ type }: IndexProgress) => events.push(type);
      const result = await convert({ store, image }, { jobs, onProgress });
      const expected = mediaType.endsWith('gzip') ? 'gzip' : 'tar';
      expect(result.layers).toMatchObject([
        { outcome: 'indexed' },
        {
          outcome: 'skipped',
          reason: 'media-type-mismatch',
          message: `${format} content with a ${expected} media type`,
        },
      ]);
      expect(events).toContain('layer-mismatched');
      expect(await recognizeConversion(store, image, result.root, { minLayerSize: 0 })).toMatchObject({
        outcome: 'current',
      });
    }
    const compat = convertImage(store, image, { compat: 'soci-cli', minLayerSize: 0, jobs: 1 });
    await expect(compat).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  });

  it.each(['BZh', 'PK\u0003\u0004', '\u001f\u008b'])(
    'a tar whose first file name starts with %j is indexed',
    async (name) => {
      const store = new CountingStore();
      const bytes = tarOf({ x: 'content' });
      const header = tarHeader({ name: Buffer.from(name, 'latin1'), size: 7 });
      bytes.set(header);
      const image = await putImage(store, AMD64, [await put(store, OCI, bytes)]);
      expect((await convert({ store, image })).layers).toMatchObject([{ outcome: 'indexed' }]);
    },
  );
});

describe('convertImage', () => {
  it('wraps a single manifest in an index with the platform of its configuration', async () => {
    const { manifests, root } = await convert(await openGolden('single-docker'));
    expect(root.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect(manifests).toMatchObject([
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', platform: AMD64 },
      {
        artifactType: MEDIA_TYPE_SOCI_INDEX_V2,
        platform: AMD64,
        annotations: { [ANNOTATION_IMAGE_MANIFEST_DIGEST]: manifests[0]?.digest },
      },
    ]);
  });

  it('does not copy the annotations of a tag into the index', async () => {
    const golden = await openGolden('single-oci');
    const tagged = { ...golden.image, annotations: { 'org.opencontainers.image.ref.name': 'latest' } };
    expect((await convert({ ...golden, image: tagged })).root).toEqual((await convert(golden)).root);
  });

  it.each([undefined, 'soci-cli'] as const)(
    'does not change an image that is already converted (compat: %s)',
    async (compat) => {
      for (const name of ['single-oci', 'multi', 'multi-docker', 'attested']) {
        const golden = await openGolden(name);
        const options = compat === undefined ? {} : { compat };
        const { root } = await convert(golden, options);
        expect((await convert({ ...golden, image: root }, options)).root).toEqual(root);
      }
    },
  );

  it('repairs a copy in which skopeo 1.9 dropped the artifact types of the SOCI indexes', async () => {
    for (const name of ['single-oci', 'multi', 'attested']) {
      const golden = await openGolden(name);
      const { root, artifacts } = await convert(golden);
      const index = JSON.parse(Buffer.from(artifacts.at(-1)?.content ?? []).toString());
      for (const entry of index.manifests) delete entry.artifactType;
      const image = await put(golden.store, root.mediaType, Buffer.from(JSON.stringify(index)));
      expect(image.digest).not.toBe(root.digest);
      expect((await convert({ ...golden, image })).root).toEqual(root);
    }
  });

  it('fails if an older SOCI index would remain, like soci', async () => {
    const golden = await openGolden('multi');
    const { root, platforms } = await convert(golden);
    const [first] = platforms.map(({ platform }) => platform);
    if (first === undefined) throw new Error('expected platforms');
    // A different span size changes the manifest.
    const again = convert({ ...golden, image: root }, { platforms: [first], spanSize: 65536 });
    await expect(again).rejects.toMatchObject({ code: 'ALREADY_CONVERTED' });
  });

  it('converts the selected platforms, and rewrites the others to OCI manifests', async () => {
    const golden = await openGolden('multi-docker');
    const { manifests, platforms } = await convert(golden, { platforms: [AMD64] });
    expect(platforms).toHaveLength(1);
    expect(manifests.map(({ mediaType }) => mediaType)).toEqual(
      Array(3).fill('application/vnd.oci.image.manifest.v1+json'),
    );
    expect(manifests.map(({ annotations }) => annotations !== undefined)).toEqual([true, false, true]);
  });

  it('keeps an entry of a platform that is not selected and missing in the store', async () => {
    const store = new CountingStore();
    const amd64 = await putImage(store, AMD64, [await putLayer(store, 'a', 100)]);
    const absent = { mediaType: amd64.mediaType, digest: `sha256:${'0'.repeat(64)}`, size: 9 };
    const image = await putIndex(store, [
      { ...amd64, platform: AMD64 },
      { ...absent, platform: ARM64 },
    ]);
    const { manifests } = await convert({ store, image }, { platforms: [AMD64] });
    expect(manifests[1]).toEqual({ ...absent, platform: ARM64 });
    await expect(convert({ store, image })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  describe('of an image index that lists manifests without a platform', () => {
    it('reads the platforms from the configurations, and adds them to the entries', async () => {
      const store = new CountingStore();
      const image = await putIndex(store, [
        await putImage(store, AMD64, [await putLayer(store, 'a', 100)]),
        await putImage(store, ARM64, [await putLayer(store, 'b', 100)]),
      ]);
      const all = await convert({ store, image });
      expect(all.platforms.map(({ platform }) => platform)).toEqual([AMD64, ARM64]);
      expect(all.manifests.map(({ platform }) => platform)).toEqual([AMD64, ARM64, AMD64, ARM64]);
      const one = await convert({ store, image }, { platforms: [ARM64] });
      expect(one.manifests.map(({ platform }) => platform)).toEqual([undefined, ARM64, ARM64]);
    });

    it('keeps attestations and artifacts unchanged', async () => {
      const store = new CountingStore();
      const attestation = await putImage(store, { os: 'unknown', architecture: 'unknown' }, []);
      const config = await put(store, 'application/vnd.example.config', {});
      const artifact = await put(store, attestation.mediaType, { schemaVersion: 2, config, layers: [] });
      const manifest = await putImage(store, AMD64, [await putLayer(store, 'a', 100)]);
      const image = await putIndex(store, [artifact, attestation, manifest]);
      const { platforms, manifests } = await convert({ store, image });
      expect(platforms.map(({ platform }) => platform)).toEqual([AMD64]);
      expect(manifests.map(({ platform }) => platform)).toEqual([undefined, undefined, AMD64, AMD64]);
    });

    it('fails with compat, like soci', async () => {
      const store = new CountingStore();
      const image = await putIndex(store, [await putImage(store, AMD64, [await putLayer(store, 'a', 100)])]);
      await expect(convert({ store, image }, { compat: 'soci-cli' })).rejects.toMatchObject({
        code: 'PLATFORM_MISSING',
        digest: image.digest,
      });
    });
  });

  it.each([{}, { os: 'linux' }, { architecture: 'amd64' }, { os: '', architecture: '' }, { os: null }])(
    'accepts a configuration with the platform %j, and so does readPlatform',
    async (platform) => {
      const store = new CountingStore();
      const image = await putImage(store, platform, [await putLayer(store, 'a', 100)]);
      const { platforms } = await convert({ store, image });
      const expected = { architecture: '', ...platform, os: 'linux' };
      expect(platforms.map(({ platform }) => platform)).toEqual([expected]);
      const { entries } = await inspectImage(store, image);
      const [entry] = entries;
      expect(entry?.kind === 'image' && (await readPlatform(store, entry))).toEqual(expected);
    },
  );

  it('writes a prefetch artifact and reports which files were found', async () => {
    const store = new CountingStore();
    const layer = await putLayer(store, 'bin/tool', 100_000);
    const image = await putImage(store, AMD64, [layer]);
    const options = { prefetchFiles: ['/bin/tool', 'absent'], allowMissingPrefetch: true };
    const { artifacts, platforms } = await convert({ store, image }, options);
    expect(platforms[0]?.prefetchFiles).toEqual([
      { path: 'bin/tool', isFound: true },
      { path: 'absent', isFound: false },
    ]);
    const prefetch = artifacts.find(({ kind }) => kind === 'prefetch');
    expect(Buffer.from(prefetch?.content ?? []).toString()).toBe(
      '{"version":"1.0","prefetch_spans":[{"start_span":0,"end_span":0}]}',
    );
  });

  describe('with files to prefetch', () => {
    const symlink = (name: string, linkName: string) => tarEntry({ name, type: '2', linkName });
    const hardLink = (name: string, linkName: string) => tarEntry({ name, type: '1', linkName });
    const layerWith = (...entries: readonly Uint8Array[]) => gzipSync(concat(...entries, TAR_END));
    const TOOL = 'content of the tool';

    async function prefetch(layers: readonly Uint8Array[], path: string, options: SociIndexOptions = {}) {
      const store = new CountingStore();
      const blobs = await Promise.all(layers.map((bytes) => put(store, `${OCI}+gzip`, bytes)));
      const image = await putImage(store, AMD64, blobs);
      const all = { prefetchFiles: [path], allowMissingPrefetch: true, ...options };
      const result = await convert({ store, image }, all);
      const artifacts = result.artifacts.filter(({ kind }) => kind === 'prefetch');
      const digests = artifacts.map(({ descriptor }) => descriptor.annotations?.[ANNOTATION_LAYER_DIGEST]);
      expect(result.platforms[0]?.prefetchFiles[0]?.isFound).toBe(digests.length > 0);
      const recognized = await recognizeConversion(store, image, result.root, { minLayerSize: 0, ...all });
      expect(recognized).toMatchObject({ outcome: 'current' });
      const isStrict = options.compat === undefined && digests.length === 0;
      const strict = { minLayerSize: 0, ...all, allowMissingPrefetch: false };
      expect(await recognizeConversion(store, image, result.root, strict)).toMatchObject({
        outcome: isStrict ? 'not-current' : 'current',
      });
      const again = convertImage(store, image, { ...strict, jobs: 1 });
      if (isStrict) await expect(again).rejects.toMatchObject({ code: 'PREFETCH_FILE_NOT_FOUND' });
      else expect(await again).toMatchObject({ outcome: 'indexed' });
      return digests.map((digest) => blobs.findIndex((blob) => blob.digest === digest));
    }

    for (const name of ['usr/bin/x', './usr/bin/x', '/usr/bin/x']) {
      for (const path of ['usr/bin/x', '/usr/bin/x', './usr/bin/x']) {
        it(`${path} is found in a layer that calls it ${name}`, async () => {
          const layer = layerWith(tarEntry({ name }, TOOL));
          expect(await prefetch([layer], path)).toEqual([0]);
          expect(await prefetch([layer], path, { compat: 'soci-cli' })).toEqual(name === 'usr/bin/x' ? [0] : []);
        });
      }
    }

    it('a file that one platform has is found, and a file that none has fails the run', async () => {
      const store = new CountingStore();
      const image = await putIndex(store, [
        { ...(await putImage(store, AMD64, [await putLayer(store, 'bin/amd64', 100)])), platform: AMD64 },
        { ...(await putImage(store, ARM64, [await putLayer(store, 'bin/arm64', 100)])), platform: ARM64 },
      ]);
      const { platforms } = await convert({ store, image }, { prefetchFiles: ['bin/amd64'] });
      expect(platforms.map(({ prefetchFiles }) => prefetchFiles[0]?.isFound)).toEqual([true, false]);
      const prefetchFiles = ['bin/amd64', 'bin/s390x', 'bin/\u0007'];
      await expect(convert({ store, image }, { prefetchFiles })).rejects.toMatchObject({
        code: 'PREFETCH_FILE_NOT_FOUND',
        message: 'no indexed layer of the image has the file to prefetch: "bin/s390x", "bin/\\a"',
      });
    });

    const base = layerWith(tarEntry({ name: 'usr/bin/x' }, TOOL));
    it.each([
      ['through a symbolic link of its directory', 'bin/x', [base, layerWith(symlink('bin', 'usr/bin'))], [0]],
      ['through a symbolic link', 'y', [base, layerWith(symlink('y', '/usr/bin/x'))], [0]],
      ['through a hard link to a lower layer', 'y', [base, layerWith(hardLink('y', 'usr/bin/x'))], [0]],
      ['in the topmost layer', 'usr/bin/x', [base, layerWith(tarEntry({ name: './usr/bin/x' }, 'new'))], [1]],
      ['unless an upper layer removes it', 'usr/bin/x', [base, layerWith(tarEntry({ name: 'usr/bin/.wh.x' }))], []],
      ['unless it is a directory', 'usr/bin', [base], []],
      ['unless its links are a cycle', 'y', [base, layerWith(symlink('y', 'y'))], []],
    ])('a file is found %s', async (_, path, layers, expected) => {
      expect(await prefetch(layers, path)).toEqual(expected);
    });
  });

  it('does not read the configuration of an artifact', async () => {
    const store = new CountingStore();
    const config = await put(store, 'application/vnd.example.config', {});
    const image = await put(store, 'application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      config,
      layers: [],
    });
    expect(await convertImage(store, image)).toMatchObject({ outcome: 'nothing-to-index', reason: 'no-platform' });
    expect(store.fetches.get(config.digest)).toBeUndefined();
  });
});
