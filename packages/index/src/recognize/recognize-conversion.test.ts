import {
  type Descriptor,
  isImageManifest,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  parseImageIndex,
  readVerified,
} from '@soci/oci';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertImage } from '../convert/convert-image.ts';
import { loadGolden, type RecordingStore } from '../fixtures/golden-memory.ts';
import { CountingStore, put, putImage, putIndex, putLayer } from '../fixtures/image.ts';
import { randomOptions } from '../fixtures/random-options.ts';
import type { SociIndexOptions } from '../options.ts';
import { findReusableZtocs } from '../reuse/find-reusable-ztocs.ts';
import { recognizeConversion } from './recognize-conversion.ts';

const AMD64 = { architecture: 'amd64', os: 'linux' };
const ARM64 = { architecture: 'arm64', os: 'linux' };

const LAYOUTS = [
  'single-oci',
  'single-docker',
  'multi',
  'multi-docker',
  'multi-annotated',
  'annotated',
  'attested',
  'mixed-compression',
  'same-layer-twice',
  'small-layers',
  'wrong-type',
  'zstd-only',
  'foreign-layer',
  'unknown-fields',
  'docker-uncompressed',
];

const SMALL: SociIndexOptions = { minLayerSize: 0, spanSize: 65_536, jobs: 1 };

let store: RecordingStore;
let images: Descriptor[];
beforeAll(async () => {
  ({ store, images } = await loadGolden(LAYOUTS));
});

/** The root that converting gives, and puts into the store; why there is none otherwise. */
const conversions = new Map<string, Promise<Descriptor | string>>();
function convert(image: Descriptor, options: SociIndexOptions): Promise<Descriptor | string> {
  const key = JSON.stringify([image.digest, options]);
  const known = conversions.get(key);
  if (known !== undefined) return known;
  const converting = convertImage(store, image, options).then(
    async (result) => {
      if (result.outcome !== 'indexed') return result.reason;
      for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
      return result.root;
    },
    (error: { code: string }) => error.code,
  );
  conversions.set(key, converting);
  return converting;
}

async function convertOne(name: string, options: SociIndexOptions = SMALL) {
  const image = images[LAYOUTS.indexOf(name)] as Descriptor;
  const converted = await convert(image, options);
  if (typeof converted === 'string') throw new Error(converted);
  return { image, converted };
}

describe('recognizeConversion', () => {
  it('recognizes exactly what converting anew would give', async () => {
    let recognized = 0;
    const one = fc.nat({ max: LAYOUTS.length - 1 });
    // Often the same image and the same options; and images that were made of others: by converting them, or as their parts.
    const pair = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.oneof(
        arbitrary.map((value) => [value, value] as const),
        fc.tuple(arbitrary, arbitrary),
      );
    const source = fc.tuple(pair(one), pair(randomOptions), fc.constantFrom('whole', 'part', 'converted'));
    await fc.assert(
      fc.asyncProperty(source, async ([[first, second], [made, asked], kind]) => {
        const converted = await convert(images[first] as Descriptor, made);
        const image = await derive(images[second] as Descriptor, kind, made);
        if (typeof converted === 'string' || typeof image === 'string') return;
        const expected = await convert(image, asked);
        const found = await recognizeConversion(store, image, converted, asked);
        const isSame = typeof expected !== 'string' && expected.digest === converted.digest;
        expect({ isCurrent: found.outcome === 'current', expected }).toEqual({ isCurrent: isSame, expected });
        if (found.outcome === 'current') recognized += 1;
      }),
      { numRuns: 300 },
    );
    expect(recognized).toBeGreaterThan(10);
  });

  async function derive(image: Descriptor, kind: string, made: SociIndexOptions): Promise<Descriptor | string> {
    if (kind === 'converted') return convert(image, made);
    if (kind === 'whole' || isImageManifest(image.mediaType)) return image;
    const [part] = parseImageIndex(await readVerified(store, image), image).manifests;
    if (part === undefined) return 'an empty index';
    const { mediaType, digest, size } = part;
    return { mediaType, digest, size };
  }

  it('fetches of a single image nothing but its SOCI index, beside the two roots', async () => {
    for (const name of ['single-oci', 'single-docker', 'annotated', 'same-layer-twice', 'wrong-type']) {
      const { image, converted } = await convertOne(name);
      const { result, fetched } = await store.record(() => recognizeConversion(store, image, converted, SMALL));
      if (result.outcome !== 'current') throw new Error(result.message);
      expect(result.root).toEqual(converted);
      const roots = [image.digest, converted.digest];
      expect(fetched.map(({ digest }) => digest).filter((digest) => !roots.includes(digest))).toEqual(
        result.indexes.map(({ digest }) => digest),
      );
    }
  });

  it('fetches of an image index its manifests and their SOCI indexes', async () => {
    for (const name of ['multi', 'multi-docker', 'multi-annotated', 'attested']) {
      const { image, converted } = await convertOne(name);
      const { result, fetched } = await store.record(() => recognizeConversion(store, image, converted, SMALL));
      if (result.outcome !== 'current') throw new Error(result.message);
      const manifests = result.platforms.map(({ manifest }) => manifest.digest);
      const expected = [image, converted, ...result.indexes].map(({ digest }) => digest);
      expect(fetched.map(({ digest }) => digest).sort()).toEqual([...expected, ...manifests].sort());
    }
  });

  it('recognizes an image that is converted already, by itself', async () => {
    const { converted } = await convertOne('single-oci');
    const { result, fetched } = await store.record(() => recognizeConversion(store, converted, converted, SMALL));
    expect(result).toMatchObject({ outcome: 'current', root: converted });
    expect(fetched).toHaveLength(3);
  });

  it('tells of platforms and layers as converting does', async () => {
    const { image, converted } = await convertOne('wrong-type');
    const found = await recognizeConversion(store, image, converted, SMALL);
    const anew = await convertImage(store, image, SMALL);
    if (found.outcome !== 'current' || anew.outcome !== 'indexed') throw new Error('it is converted');
    expect(found.indexes).toEqual(anew.indexes);
    expect(anew.platforms).toMatchObject(found.platforms);
    expect(anew.layers).toMatchObject(found.layers);
    expect(found.layers.map(({ outcome }) => outcome)).toEqual(['indexed', 'skipped']);
  });

  it('looks in another store for what was converted into one', async () => {
    const { image, converted } = await convertOne('multi');
    const source = (await loadGolden(['multi'])).store;
    const found = await recognizeConversion(source, image, converted, { ...SMALL, convertedStore: store });
    expect(found).toMatchObject({ outcome: 'current', root: converted });
    expect(source.fetched.map(({ digest }) => digest)).not.toContain(converted.digest);
  });

  it.each<[reason: string, name: string, options: SociIndexOptions]>([
    ['other-settings', 'multi', { ...SMALL, spanSize: 1 << 20 }],
    ['other-settings', 'multi', { ...SMALL, buildToolIdentifier: 'another' }],
    ['other-layers', 'small-layers', SMALL],
    ['other-content', 'multi', { ...SMALL, minLayerSize: 10_000 }],
    ['nothing-to-index', 'zstd-only', SMALL],
    ['not-convertible', 'multi', { ...SMALL, platforms: [{ architecture: 's390x', os: 'linux' }] }],
  ])('says why not: %s', async (reason, name, asked) => {
    const { converted } = await convertOne(name === 'multi' ? 'multi' : 'attested');
    const image = images[LAYOUTS.indexOf(name)] as Descriptor;
    expect(await recognizeConversion(store, image, converted, asked)).toMatchObject({ outcome: 'not-current', reason });
  });

  it('says that an image which is none of ours is not indexed', async () => {
    const [single, , multi] = images as [Descriptor, Descriptor, Descriptor];
    for (const other of [single, multi]) {
      const found = await recognizeConversion(store, multi, other, SMALL);
      expect(found).toMatchObject({ outcome: 'not-current', reason: 'not-indexed' });
    }
  });

  it('reads a configuration where the platform cannot have come from it', async () => {
    const memory = new CountingStore();
    const variant = { ...ARM64, variant: 'v8' };
    const child = await putImage(memory, variant, [await putLayer(memory, 'a', 1000)]);
    const index = await putIndex(memory, [{ ...child, platform: variant }]);
    const made = await convertImage(memory, index, SMALL);
    if (made.outcome !== 'indexed') throw new Error(made.reason);
    for (const { descriptor, content } of made.artifacts) await memory.push(descriptor, content);

    expect(await recognizeConversion(memory, index, made.root, SMALL)).toMatchObject({ outcome: 'current' });
    expect(await recognizeConversion(memory, child, made.root, SMALL)).toMatchObject({
      outcome: 'not-current',
      reason: 'other-content',
    });
  });

  it('recognizes an image whose platforms share a layer, be it under two media types', async () => {
    const memory = new CountingStore();
    const shared = await putLayer(memory, 'base', 100_000);
    const docker = { ...shared, mediaType: MEDIA_TYPE_DOCKER_LAYER_GZIP };
    const platforms = [AMD64, ARM64, { ...ARM64, architecture: 's390x' }];
    const layers = [shared, shared, docker];
    const manifests: Descriptor[] = [];
    for (const [i, platform] of platforms.entries()) {
      const own = await putLayer(memory, `own/${i}`, 1000);
      manifests.push(await putImage(memory, platform, [layers[i] as Descriptor, own]));
    }
    const index = await putIndex(
      memory,
      manifests.map((manifest, i) => ({ ...manifest, platform: platforms[i] })),
    );
    const made = await convertImage(memory, index, SMALL);
    if (made.outcome !== 'indexed') throw new Error(made.reason);
    for (const { descriptor, content } of made.artifacts) await memory.push(descriptor, content);
    expect(memory.fetches.get(shared.digest)).toBe(1);

    const found = await recognizeConversion(memory, index, made.root, SMALL);
    expect(found).toMatchObject({ outcome: 'current', root: made.root, indexes: made.indexes });
    const reuse = findReusableZtocs(memory, [made.root]);
    expect(await convertImage(memory, index, { ...SMALL, reuse })).toMatchObject({ root: made.root });
    expect(memory.fetches.get(shared.digest)).toBe(1);
  });

  it('does without what is gone or malformed, and passes on what is wrong with the way there', async () => {
    const { image, converted } = await convertOne('single-oci');
    const found = await recognizeConversion(store, image, converted, SMALL);
    if (found.outcome !== 'current') throw new Error(found.message);
    const failing = (error: () => unknown) => ({
      async *fetch(target: Descriptor) {
        if (target.digest === found.indexes[0]?.digest) throw error();
        yield* store.fetch(target);
      },
    });
    const gone = failing(() => Object.assign(new Error('503'), { code: 'UNAVAILABLE' }));
    await expect(recognizeConversion(gone, image, converted, SMALL)).rejects.toThrow('503');

    const memory = new CountingStore();
    const absent = { ...(found.indexes[0] as Descriptor), platform: AMD64 };
    const lying = await putIndex(memory, [{ ...image, platform: AMD64 }, absent]);
    const read = { fetch: (target: Descriptor) => (target.digest === image.digest ? store : memory).fetch(target) };
    expect(await recognizeConversion(read, image, lying, SMALL)).toMatchObject({ reason: 'unreadable' });
    const { digest, size } = await put(memory, 'application/json', Buffer.from('{"manifests":1}'));
    const broken = { mediaType: converted.mediaType, digest, size };
    expect(await recognizeConversion(read, image, broken, SMALL)).toMatchObject({ reason: 'unreadable' });
  });

  it('reads a zTOC only to know what the manifests do not say', async () => {
    const marked: SociIndexOptions = { ...SMALL, optimizations: ['xattr'] };
    const { image, converted } = await convertOne('single-oci', SMALL);
    const unmarked = await store.record(() => recognizeConversion(store, image, converted, marked));
    const expected = await convert(image, marked);
    expect(unmarked.result.outcome === 'current').toBe(
      typeof expected !== 'string' && expected.digest === converted.digest,
    );
    expect(unmarked.fetched.some(({ mediaType }) => mediaType === 'application/octet-stream')).toBe(true);
  });
});
