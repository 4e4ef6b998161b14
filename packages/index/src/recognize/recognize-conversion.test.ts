import {
  type Descriptor,
  digestOf,
  isImageManifest,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  parseImageIndex,
  readVerified,
} from '@soci/oci';
import { put, putImage, putIndex, putLayer } from '@soci/test-content';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { convertImage } from '../convert/convert-image.ts';
import { CountingStore, loadGolden, type RecordingStore } from '../fixtures/observed-stores.ts';
import { isSameContent, randomOptions } from '../fixtures/recognition.ts';
import type { SociIndexOptions } from '../options.ts';
import { ReusableZtocs } from '../reuse/reusable-ztocs.ts';
import {
  ANNOTATION_PREFIX,
  ANNOTATION_SCHEMA_VERSION,
  ANNOTATION_SETTINGS_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_TOOL_VERSION,
} from '../vocabulary.ts';
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

/** Converts an image and pushes the result. Returns the root; otherwise the reason or error code. */
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
  it('recognizes exactly the image that a new conversion would produce', async () => {
    let recognized = 0;
    const one = fc.nat({ max: LAYOUTS.length - 1 });
    // Prefer the same image and options. Also test converted images and single manifests of an image index.
    const pair = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.oneof(
        arbitrary.map((value) => [value, value] as const),
        fc.tuple(arbitrary, arbitrary),
      );
    const source = fc.tuple(pair(one), pair(randomOptions), fc.constantFrom('whole', 'part', 'converted'));
    await fc.assert(
      fc.asyncProperty(source, async ([[first, second], [made, requested], kind]) => {
        const converted = await convert(images[first] as Descriptor, made);
        const image = await derive(images[second] as Descriptor, kind, made);
        if (typeof converted === 'string' || typeof image === 'string') return;
        const expected = await convert(image, requested);
        const found = await recognizeConversion(store, image, converted, requested);
        const isSame = typeof expected !== 'string' && (await isSameImage(expected, converted, requested));
        expect({ isCurrent: found.outcome === 'current', expected }).toEqual({ isCurrent: isSame, expected });
        if (found.outcome === 'current') recognized += 1;
      }),
      { numRuns: 300 },
    );
    expect(recognized).toBeGreaterThan(10);
  });

  /** With compat, all bytes must be equal. Otherwise the settings and tool version in the annotations may differ. */
  async function isSameImage(a: Descriptor, b: Descriptor, { compat }: SociIndexOptions): Promise<boolean> {
    return compat === undefined ? isSameContent(store, a, b) : a.digest === b.digest;
  }

  async function derive(image: Descriptor, kind: string, made: SociIndexOptions): Promise<Descriptor | string> {
    if (kind === 'converted') return convert(image, made);
    if (kind === 'whole' || isImageManifest(image.mediaType)) return image;
    const [part] = parseImageIndex(await readVerified(store, image), image).manifests;
    if (part === undefined) return 'an empty index';
    const { mediaType, digest, size } = part;
    return { mediaType, digest, size };
  }

  it('fetches only the SOCI index and the two roots for a single image', async () => {
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

  it.each([true, false])(
    'fetches the SOCI indexes of an image index, and its manifests if annotations are missing (annotations: %s)',
    async (hasAnnotations) => {
      for (const name of ['multi', 'multi-docker', 'multi-annotated', 'attested']) {
        const { image, converted: made } = await convertOne(name);
        const converted = hasAnnotations ? made : await withoutAnnotations(made);
        const { result, fetched } = await store.record(() => recognizeConversion(store, image, converted, SMALL));
        if (result.outcome !== 'current') throw new Error(result.message);
        const rebuilt = await convertImage(store, image, SMALL);
        const manifests = hasAnnotations ? [] : rebuilt.platforms.map(({ manifest }) => manifest.digest);
        const expected = [image, converted, ...result.indexes].map(({ digest }) => digest);
        expect(fetched.map(({ digest }) => digest).sort()).toEqual([...expected, ...manifests].sort());
      }
    },
  );

  it('accepts an index without annotations, and one of another tool version', async () => {
    const { image, converted } = await convertOne('multi');
    const others = [
      await withoutAnnotations(converted),
      await withAnnotations(converted, { [ANNOTATION_TOOL_VERSION]: '99.0.0' }),
      // Annotations of an unknown schema version are ignored. The content is compared.
      await withAnnotations(converted, { [ANNOTATION_SCHEMA_VERSION]: '2', [`${ANNOTATION_PREFIX}new`]: 'x' }),
      await withAnnotations(converted, { [ANNOTATION_SETTINGS_DIGEST]: 'sha256:0' }),
    ];
    for (const other of others) {
      expect(other.digest).not.toBe(converted.digest);
      expect(await recognizeConversion(store, image, other, SMALL)).toMatchObject({ outcome: 'current', root: other });
    }
    // With compat, the bytes must be those of soci, which does not write these annotations.
    const compat = { ...SMALL, compat: 'soci-cli' } as const;
    const [bare, ...annotated] = others;
    expect((await recognizeConversion(store, image, bare as Descriptor, compat)).outcome).toBe('current');
    for (const other of annotated)
      expect((await recognizeConversion(store, image, other, compat)).outcome).toBe('not-current');
  });

  it('rejects an index of another source image, and a SOCI index without a listed manifest', async () => {
    const { image, converted } = await convertOne('multi');
    const another = await withAnnotations(converted, { [ANNOTATION_SOURCE_DIGEST]: `sha256:${'0'.repeat(64)}` });
    expect(await recognizeConversion(store, image, another, SMALL)).toMatchObject({ reason: 'other-content' });
    const torn = await rewrite(converted, (root) => {
      for (const entry of root.manifests) if (entry.artifactType !== undefined) entry.annotations = {};
    });
    expect(await recognizeConversion(store, image, torn, SMALL)).toMatchObject({ reason: 'other-content' });
  });

  interface Root {
    annotations?: Record<string, string>;
    manifests: { artifactType?: string; annotations?: object }[];
  }

  /** Pushes a changed copy of a root. */
  async function rewrite(root: Descriptor, change: (root: Root) => void): Promise<Descriptor> {
    const document = JSON.parse(Buffer.from(await readVerified(store, root)).toString()) as Root;
    change(document);
    // Like Go: sorted maps and escaped HTML characters.
    if (document.annotations) document.annotations = Object.fromEntries(Object.entries(document.annotations).sort());
    const escapeMarkup = (text: string) => `\\u00${text.charCodeAt(0).toString(16)}`;
    const content = Buffer.from(JSON.stringify(document).replaceAll(/[<>&]/g, escapeMarkup));
    const { mediaType } = root;
    const descriptor = { mediaType, digest: digestOf(content), size: content.length };
    await store.push(descriptor, content);
    return descriptor;
  }

  const withoutAnnotations = (root: Descriptor) =>
    rewrite(root, (document) => {
      const others = Object.entries(document.annotations ?? {}).filter(([name]) => !name.startsWith(ANNOTATION_PREFIX));
      if (others.length === 0) delete document.annotations;
      else document.annotations = Object.fromEntries(others);
    });
  const withAnnotations = (root: Descriptor, annotations: Record<string, string>) =>
    rewrite(root, (document) => Object.assign(document.annotations ?? {}, annotations));

  it('recognizes a converted image compared with itself', async () => {
    const { converted } = await convertOne('single-oci');
    const { result, fetched } = await store.record(() => recognizeConversion(store, converted, converted, SMALL));
    expect(result).toMatchObject({ outcome: 'current', root: converted });
    expect(fetched).toHaveLength(2);
  });

  it('returns the same index descriptors as a conversion', async () => {
    const { image, converted } = await convertOne('wrong-type');
    const found = await recognizeConversion(store, image, converted, SMALL);
    const rebuilt = await convertImage(store, image, SMALL);
    if (found.outcome !== 'current' || rebuilt.outcome !== 'indexed') throw new Error('expected a converted image');
    expect(found.indexes).toEqual(rebuilt.indexes);
  });

  it('reads the converted image from another store', async () => {
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
  ])('returns the reason %s', async (reason, name, requested) => {
    const { converted } = await convertOne(name === 'multi' ? 'multi' : 'attested');
    const image = images[LAYOUTS.indexOf(name)] as Descriptor;
    expect(await recognizeConversion(store, image, converted, requested)).toMatchObject({
      outcome: 'not-current',
      reason,
    });
  });

  it('returns not-indexed for an image without SOCI indexes', async () => {
    const [single, , multi] = images as [Descriptor, Descriptor, Descriptor];
    for (const other of [single, multi]) {
      const found = await recognizeConversion(store, multi, other, SMALL);
      expect(found).toMatchObject({ outcome: 'not-current', reason: 'not-indexed' });
    }
  });

  it('reads the configuration if the listed platform is not normalized', async () => {
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

  it('recognizes an image whose platforms share a layer, even with different media types', async () => {
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
    const reuse = new ReusableZtocs(memory, [made.root]);
    expect(await convertImage(memory, index, { ...SMALL, reuse })).toMatchObject({ root: made.root });
    expect(memory.fetches.get(shared.digest)).toBe(1);
  });

  it('returns unreadable for missing or malformed content, and throws other errors of the store', async () => {
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
    const incomplete = await putIndex(memory, [{ ...image, platform: AMD64 }, absent]);
    const read = { fetch: (target: Descriptor) => (target.digest === image.digest ? store : memory).fetch(target) };
    expect(await recognizeConversion(read, image, incomplete, SMALL)).toMatchObject({ reason: 'unreadable' });
    const { digest, size } = await put(memory, 'application/json', Buffer.from('{"manifests":1}'));
    const broken = { mediaType: converted.mediaType, digest, size };
    expect(await recognizeConversion(read, image, broken, SMALL)).toMatchObject({ reason: 'unreadable' });
  });

  it('reads a zTOC if the manifests do not contain the required information', async () => {
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
