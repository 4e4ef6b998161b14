import type { Descriptor } from '@soci/oci';
import { MEDIA_TYPE_OCI_IMAGE_INDEX } from '@soci/oci';
import { putImage, putIndex, putLayer } from '@soci/test-content';
import { decodeZtoc, encodeZtoc } from '@soci/ztoc';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import { RecordingStore } from '../fixtures/observed-stores.ts';
import type { SociIndexOptions } from '../options.ts';
import type { IndexProgress } from '../progress.ts';
import { verifySociIndex } from '../verify/verify-index.ts';
import { ReusableZtocs, type SkippedCandidate } from './reusable-ztocs.ts';

const AMD64 = { architecture: 'amd64', os: 'linux' };
const ARM64 = { architecture: 'arm64', os: 'linux' };
const SMALL: SociIndexOptions = { minLayerSize: 0, spanSize: 65_536, jobs: 1 };

let store: RecordingStore;
let base: Descriptor[];
let oldImage: Descriptor;
let newLayer: Descriptor;
let newImage: Descriptor;
beforeEach(async () => {
  store = new RecordingStore();
  base = [await putLayer(store, 'base/a', 300_000), await putLayer(store, 'base/b', 200_000)];
  oldImage = await putImage(store, AMD64, [...base, await putLayer(store, 'app/1', 1000)]);
  newLayer = await putLayer(store, 'app/2', 5000);
  newImage = await putImage(store, AMD64, [...base, newLayer]);
});

async function convert(image: Descriptor, options: SociIndexOptions = SMALL) {
  const result = await convertImage(store, image, options);
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  return result;
}

async function build(image: Descriptor, options: SociIndexOptions = SMALL) {
  const result = await buildSociIndex(store, image, options);
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  return result;
}

/** Converts `newImage` with zTOCs of `candidates`. Returns the digests of the layers that were read. */
async function convertWith(candidates: AsyncIterable<Descriptor> | Iterable<Descriptor>, more: SociIndexOptions = {}) {
  const events: IndexProgress[] = [];
  const skipped: SkippedCandidate[] = [];
  const reuse = new ReusableZtocs(store, candidates, { onSkipped: (candidate) => skipped.push(candidate) });
  const onProgress = (event: IndexProgress) => events.push(event);
  const { result, fetched } = await store.record(() =>
    convertImage(store, newImage, { ...SMALL, ...more, reuse, onProgress }),
  );
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  const layers = [...base, newLayer].map(({ digest }) => digest);
  const read = fetched.map(({ digest }) => digest).filter((digest) => layers.includes(digest));
  return { result, read, fetched, events, skipped };
}

describe('a new image on an indexed base image', () => {
  it('reads no layer of the base, and produces the same output', async () => {
    const { root } = await convert(oldImage);
    const { result, read, events } = await convertWith([root]);
    expect(read).toEqual([newLayer.digest]);
    const rebuilt = await convert(newImage);
    expect(result.artifacts).toEqual(rebuilt.artifacts);
    expect(result.layers.map((layer) => layer.outcome === 'indexed' && layer.origin)).toEqual([
      'reused',
      'reused',
      'built',
    ]);
    expect(rebuilt.layers).toMatchObject(
      result.layers.map((layer) => ({ ...layer, origin: 'built', seconds: expect.any(Number) })),
    );
    expect(events.find(({ type }) => type === 'planned')).toEqual({
      type: 'planned',
      layers: 1,
      bytes: newLayer.size,
    });
    expect(events.filter(({ type }) => type === 'layer-reused')).toMatchObject(
      base.map(({ digest, size }) => ({ layer: digest, size, files: 1 })),
    );
  });

  it.each<[string, SociIndexOptions, SociIndexOptions]>([
    ['optimizations', {}, { optimizations: ['xattr'] }],
    ['files to prefetch', {}, { prefetchFiles: ['base/a', 'app/2'] }],
    ['neither of both', { optimizations: ['xattr'], prefetchFiles: ['base/b'] }, {}],
  ])('produces the same output if the new image has %s', async (_, before, now) => {
    const { root } = await convert(oldImage, { ...SMALL, ...before });
    const { result, read } = await convertWith([root], now);
    expect(read).toEqual([newLayer.digest]);
    expect(result.artifacts).toEqual((await convert(newImage, { ...SMALL, ...now })).artifacts);
  });

  it.each<SociIndexOptions>([{ spanSize: 131_072 }, { buildToolIdentifier: 'another' }])(
    'is read completely if the base was indexed with other settings: %j',
    async (other) => {
      const { root } = await convert(oldImage, { ...SMALL, ...other });
      const { read, fetched } = await convertWith([root]);
      expect([...read].sort()).toEqual([...base, newLayer].map(({ digest }) => digest).sort());
      expect(fetched.filter(({ mediaType }) => mediaType === 'application/octet-stream')).toEqual([]);
    },
  );
});

describe('ReusableZtocs', () => {
  it('finds v1 indexes of an image, and of the images of an index', async () => {
    const index = await putIndex(store, [{ ...oldImage, platform: AMD64 }]);
    await build(oldImage);
    for (const candidate of [oldImage, index]) {
      expect((await convertWith([candidate])).read).toEqual([newLayer.digest]);
    }
  });

  it('finds the index that a manifest names, and accepts a SOCI index as candidate', async () => {
    const { artifacts, indexes } = await convert(oldImage);
    const manifest = artifacts.find(({ kind }) => kind === 'image-manifest')?.descriptor as Descriptor;
    for (const candidate of [manifest, indexes[0] as Descriptor]) {
      expect((await convertWith([candidate])).read).toEqual([newLayer.digest]);
    }
  });

  it('stops reading candidates when all zTOCs are found', async () => {
    const first = await convert(oldImage);
    const yielded: string[] = [];
    const names = async function* () {
      for (let i = 0; i < 100; i += 1) {
        yielded.push(`v${i}`);
        yield i < 2 ? first.root : await putImage(store, { ...AMD64, variant: `${i}` }, []);
      }
    };
    newImage = oldImage;
    const { read } = await convertWith(names());
    expect(read).toEqual([]);
    expect(yielded.length).toBeLessThan(10);
  });

  it('stops after the maximum number of candidates', async () => {
    const yielded: number[] = [];
    const others = async function* () {
      for (let i = 0; ; i += 1) {
        yielded.push(i);
        yield await putImage(store, { ...AMD64, variant: `${i}` }, []);
      }
    };
    const source = new ReusableZtocs(store, others(), { maxCandidates: 10 });
    const layer = { ...(base[0] as Descriptor), compression: 'gzip' as const };
    const settings = { spanSize: 65_536, buildToolIdentifier: 'AWS SOCI CLI v0.2' };
    expect(await source.find(layer, settings)).toBeUndefined();
    expect(yielded).toHaveLength(10);
  });

  it('remembers only as many zTOCs as the limit allows', async () => {
    const { indexes } = await convert(oldImage);
    const layers = base.map((layer) => ({ ...layer, compression: 'gzip' as const }));
    const settings = { spanSize: 65_536, buildToolIdentifier: 'AWS SOCI CLI v0.2' };
    const source = new ReusableZtocs(store, indexes, { limits: { maxReferences: 1 } });
    const found = await Promise.all(layers.map((layer) => source.find(layer, settings)));
    expect(found.map((ztoc) => ztoc !== undefined)).toEqual([true, false]);
  });

  it('reads each manifest once', async () => {
    const { root } = await convert(oldImage);
    const index = await putIndex(store, [{ ...oldImage, platform: ARM64 }]);
    const { fetched } = await convertWith([root, index, root, oldImage, index]);
    const manifests = fetched.filter(
      ({ mediaType }) => mediaType.includes('manifest') || mediaType === MEDIA_TYPE_OCI_IMAGE_INDEX,
    );
    expect(new Set(manifests.map(({ digest }) => digest)).size).toBe(manifests.length);
  });

  it('skips and reports content that is missing, malformed or inaccessible', async () => {
    const { root, artifacts } = await convert(oldImage);
    const absent = { ...root, digest: `sha256:${'0'.repeat(64)}` };
    const broken = { ...(await putLayer(store, 'no index', 10)), mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX };
    const failing = async function* () {
      yield absent;
      yield broken;
      yield root;
      throw new Error('tags cannot be listed');
    };
    const { read, skipped } = await convertWith(failing());
    expect(read).toEqual([newLayer.digest]);
    expect(skipped.map(({ descriptor }) => descriptor?.digest)).toEqual(
      expect.arrayContaining([absent.digest, broken.digest, undefined]),
    );

    const ztoc = artifacts.find(({ kind }) => kind === 'ztoc')?.descriptor as Descriptor;
    const withoutZtoc = {
      referrers: () => store.referrers(oldImage),
      async *fetch(target: Descriptor) {
        if (target.digest === ztoc.digest) throw Object.assign(new Error('403'), { code: 'DENIED' });
        yield* store.fetch(target);
      },
    };
    const source = new ReusableZtocs(withoutZtoc, [root]);
    const layer = { ...(base[0] as Descriptor), compression: 'gzip' as const };
    const settings = { spanSize: 65_536, buildToolIdentifier: 'AWS SOCI CLI v0.2' };
    expect(await source.find(layer, settings)).toBeUndefined();
    expect(await source.find({ ...layer, digest: (base[1] as Descriptor).digest }, settings)).toBeInstanceOf(
      Uint8Array,
    );
  });

  it("throws the signal's abort reason", async () => {
    const { root } = await convert(oldImage);
    const abort = new AbortController();
    const reason = new Error('enough');
    const names = async function* () {
      abort.abort(reason);
      yield root;
    };
    const reuse = new ReusableZtocs(store, names());
    const converting = convertImage(store, newImage, { ...SMALL, reuse, signal: abort.signal });
    await expect(converting).rejects.toBe(reason);
  });

  it('reads a layer whose zTOC is rejected, and reports the reason', async () => {
    const { artifacts } = await convert(oldImage);
    const [first, second] = artifacts.filter(({ kind }) => kind === 'ztoc').map(({ content }) => content);
    const found = [second, new Uint8Array(100), undefined] as const;
    const events: IndexProgress[] = [];
    const reuse = {
      find: async ({ digest }: { digest: string }) =>
        found[[...base, newLayer].findIndex((layer) => layer.digest === digest)],
    };
    const { result, fetched } = await store.record(() =>
      convertImage(store, newImage, { ...SMALL, reuse, onProgress: (event) => events.push(event) }),
    );
    expect(first).toBeDefined();
    expect(events.filter(({ type }) => type === 'ztoc-refused')).toMatchObject([
      { layer: base[0]?.digest, reason: 'other-layer' },
      { layer: base[1]?.digest, reason: 'malformed' },
    ]);
    expect(fetched.map(({ digest }) => digest)).toEqual(expect.arrayContaining(base.map(({ digest }) => digest)));
    expect(result).toMatchObject({ root: (await convert(newImage)).root });
  });

  it('accepts a zTOC with a wrong table of contents, which verification detects', async () => {
    const { artifacts } = await convert(oldImage);
    const known = decodeZtoc(artifacts.find(({ kind }) => kind === 'ztoc')?.content as Uint8Array);
    const files = known.files.map((file) => ({ ...file, name: Buffer.from('made/up') }));
    const forged = encodeZtoc({ ...known, files });
    const reuse = {
      find: async ({ digest }: { digest: string }) => (digest === base[0]?.digest ? forged : undefined),
    };
    const { root, layers } = await convert(newImage, { ...SMALL, reuse });
    expect(layers[0]).toMatchObject({ digest: base[0]?.digest, origin: 'reused' });
    const report = await verifySociIndex(store, root);
    expect(report.outcome).toBe('invalid');
  });

  it('fails with the error of another zTOC source', async () => {
    const failure = new Error('database is down');
    const reuse = {
      find: async () => {
        throw failure;
      },
    };
    await expect(convertImage(store, newImage, { ...SMALL, reuse })).rejects.toBe(failure);
  });
});
