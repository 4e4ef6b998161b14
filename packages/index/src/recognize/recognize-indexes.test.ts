import type { Descriptor } from '@soci/oci';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { loadGolden, type RecordingStore } from '../fixtures/observed-stores.ts';
import { isSameContent, randomOptions } from '../fixtures/recognition.ts';
import type { SociIndexOptions } from '../options.ts';
import { recognizeIndexes } from './recognize-indexes.ts';

const SMALL: SociIndexOptions = { minLayerSize: 0, spanSize: 65_536, jobs: 1 };
const NAMES = ['single-oci', 'single-docker', 'multi', 'attested', 'mixed-compression', 'wrong-type', 'zstd-only'];

async function index(store: RecordingStore, image: Descriptor, options: SociIndexOptions) {
  const result = await buildSociIndex(store, image, options).catch((error: { code: string }) => error.code);
  if (typeof result === 'string' || result.outcome !== 'indexed') return undefined;
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  return result;
}

describe('recognizeIndexes', () => {
  it('recognizes exactly the indexes that a new build would produce, among others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...NAMES),
        fc.array(randomOptions, { minLength: 1, maxLength: 3 }),
        fc.option(randomOptions),
        async (name, made, other) => {
          const { store, images } = await loadGolden([name]);
          const image = images[0] as Descriptor;
          const existing: Descriptor[] = [];
          for (const one of made) existing.push(...((await index(store, image, one))?.indexes ?? []));
          const requested = other ?? (made[0] as SociIndexOptions);
          const found = await recognizeIndexes(store, image, requested);
          const rebuilt = await index(store, image, requested);
          // With compat, all bytes must be equal. Otherwise the settings and tool version in the annotations may differ.
          const isSame = async (a: Descriptor, b: Descriptor) =>
            requested.compat === undefined ? isSameContent(store, a, b) : a.digest === b.digest;
          const has = async (wanted: Descriptor) =>
            (await Promise.all(existing.map((each) => isSame(each, wanted)))).includes(true);
          const isCurrent = rebuilt !== undefined && !(await Promise.all(rebuilt.indexes.map(has))).includes(false);
          expect(found.outcome === 'current').toBe(isCurrent);
          if (found.outcome !== 'current') return;
          expect(found.indexes).toHaveLength(rebuilt?.indexes.length ?? 0);
          for (const [i, each] of found.indexes.entries()) {
            expect(await isSame(each, rebuilt?.indexes[i] as Descriptor)).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('lists the referrers of a single image once, and fetches only the root and the SOCI index', async () => {
    const { store, images } = await loadGolden(['single-oci']);
    const [image] = images as [Descriptor];
    const built = await index(store, image, SMALL);
    store.referrerCalls = 0;
    const { result, fetched } = await store.record(() => recognizeIndexes(store, image, SMALL));
    expect(result).toMatchObject({ outcome: 'current', indexes: built?.indexes });
    expect(fetched.map(({ digest }) => digest)).toEqual([image.digest, built?.indexes[0]?.digest]);
    expect(store.referrerCalls).toBe(1);
  });

  it('accepts an index without provenance annotations', async () => {
    const { store, images } = await loadGolden(['single-oci']);
    const [image] = images as [Descriptor];
    const built = await buildSociIndex(store, image, { ...SMALL, compat: 'soci-cli' });
    if (built.outcome !== 'indexed') throw new Error(built.reason);
    for (const { descriptor, content } of built.artifacts) await store.push(descriptor, content);
    expect(await recognizeIndexes(store, image, SMALL)).toMatchObject({ outcome: 'current', indexes: built.indexes });
  });

  it('returns the reason', async () => {
    const { store, images } = await loadGolden(['single-oci', 'zstd-only']);
    const [image, zstd] = images as [Descriptor, Descriptor];
    const recognize = (options: SociIndexOptions) => recognizeIndexes(store, image, options);
    expect(await recognize(SMALL)).toMatchObject({ outcome: 'not-current', reason: 'not-indexed' });
    await index(store, image, SMALL);
    expect(await recognize({ ...SMALL, spanSize: 1 << 20 })).toMatchObject({ reason: 'other-settings' });
    expect(await recognize({ ...SMALL, buildToolIdentifier: 'another' })).toMatchObject({ reason: 'other-settings' });
    expect(await recognize({ ...SMALL, minLayerSize: 10_000 })).toMatchObject({ reason: 'other-content' });
    const platforms = [{ os: 'linux', architecture: 's390x' }];
    expect(await recognize({ ...SMALL, platforms })).toMatchObject({ reason: 'not-convertible' });
    expect(await recognizeIndexes(store, zstd, SMALL)).toMatchObject({ reason: 'nothing-to-index' });
  });
});
