import {
  type ByteRange,
  type CallOptions,
  copyImage,
  type Descriptor,
  isManifestOrIndex,
  type PushContent,
} from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { makeZstdTextLayer, putImage, putLayer, putLayeredImage } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { CountingStore } from '../fixtures/observed-stores.ts';
import { MEDIA_TYPE_ZTOC } from '../vocabulary.ts';
import { indexImage } from './index-image.ts';
import type { IndexImageOptions, PublishProgress } from './options.ts';

const AMD64 = { architecture: 'amd64', os: 'linux' };
const OPTIONS = { minLayerSize: 0, jobs: 1 } satisfies IndexImageOptions;
const SIZES = [50_000, 40_000, 30_000, 20_000];

/** A store that records what is pushed. */
class Target extends MemoryStore {
  readonly pushed: Descriptor[] = [];
  readonly contents: PushContent[] = [];

  override async push(target: Descriptor, content: PushContent, options?: CallOptions): Promise<void> {
    this.pushed.push(target);
    if (target.mediaType === MEDIA_TYPE_ZTOC) this.contents.push(content);
    await super.push(target, content, options);
  }
}

async function sourceImage(): Promise<{ store: CountingStore; layers: readonly Descriptor[] }> {
  const store = new CountingStore();
  const layers: Descriptor[] = [];
  for (const size of SIZES) layers.push(await putLayer(store, `layer-${size}`, size));
  await store.tag(await putImage(store, AMD64, layers), 'v1');
  return { store, layers };
}

const ztocsOf = ({ pushed }: Target) => pushed.filter(({ mediaType }) => mediaType === MEDIA_TYPE_ZTOC);

describe('zTOCs of an image', () => {
  it('are written while later layers are read, before all manifests', async () => {
    const { store } = await sourceImage();
    const target = new Target();
    const written: number[] = [];
    const onProgress = ({ type }: PublishProgress) => {
      if (type === 'layer-started') written.push(ztocsOf(target).length);
      if (type === 'pushing') written.push(ztocsOf(target).length);
    };
    const result = await indexImage(
      { store, reference: 'v1' },
      { store: target, tag: 'x' },
      { ...OPTIONS, onProgress },
    );
    expect(result).toMatchObject({ outcome: 'indexed', layers: SIZES.map(() => ({ origin: 'built' })) });
    // One zTOC is written while the next layer is read.
    expect(written).toEqual([0, 1, 2, 3, 4]);
    expect(ztocsOf(target)).toHaveLength(SIZES.length);
  });

  it.each<[string, IndexImageOptions]>([
    ['a sample of spans is verified', { proof: { spans: 2 } }],
    ['all layers are read back', { proof: 'read-back' }],
    ['files are prefetched', { prefetchFiles: ['layer-40000'] }],
    ['spans follow a profile', { profile: { files: [{ path: '/layer-40000' }] } }],
    ['two layers are built at a time', { jobs: 2 }],
  ])('are complete in the target if %s', async (_, more) => {
    const { store } = await sourceImage();
    for (const version of [1, 2] as const) {
      const target = new Target();
      const options = { ...OPTIONS, ...more, version };
      const result = await indexImage({ store, reference: 'v1' }, { store: target, tag: 'x' }, options);
      if (result.outcome !== 'indexed') throw new Error(result.message);
      // Copying reads and verifies everything that the roots refer to.
      for (const root of result.root ? [result.root] : result.indexes) {
        await copyImage(target, new MemoryStore(), root);
      }
      const proof = typeof options.proof === 'object' ? { spansRead: SIZES.length } : {};
      expect(result.proof ?? {}).toMatchObject(proof);
    }
  });

  it.each([1, 2])('need no memory after they are written, with %i layers at a time', async (jobs) => {
    const { store } = await sourceImage();
    const target = new Target();
    await indexImage({ store, reference: 'v1' }, { store: target, tag: 'x' }, { ...OPTIONS, jobs });
    expect(target.contents.map((content) => (content as Uint8Array).buffer.byteLength)).toEqual(SIZES.map(() => 0));
  });

  it('count towards maxZtocsSize only while they are in memory', async () => {
    const { store } = await sourceImage();
    const target = new Target();
    const run = (limit: number, more: IndexImageOptions = {}) =>
      indexImage(
        { store, reference: 'v1' },
        { store: target },
        {
          ...OPTIONS,
          version: 1,
          force: true,
          limits: { maxZtocsSize: limit },
          ...more,
        },
      );
    await run(2 ** 31);
    const sizes = ztocsOf(target).map(({ size }) => size);
    const two = Math.max(...sizes) * 2;
    expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(two);
    expect(await run(two)).toMatchObject({ outcome: 'indexed' });
    await expect(run(two, { proof: 'read-back' })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe('zTOCs of recompressed layers', () => {
  /** A target that records whether it had manifests when a span was read. */
  class RangeTarget extends Target {
    readonly hadManifests: boolean[] = [];
    damage = false;

    override async fetchRange(target: Descriptor, range: ByteRange, options?: CallOptions): Promise<Uint8Array> {
      this.hadManifests.push(this.pushed.some(({ mediaType }) => isManifestOrIndex(mediaType)));
      const bytes = await super.fetchRange(target, range, options);
      return this.damage ? bytes.fill(0) : bytes;
    }
  }

  async function convert(target: RangeTarget, onProgress?: IndexImageOptions['onProgress']) {
    const store = new CountingStore();
    const layers = ['a', 'b', 'c'].map((name) => makeZstdTextLayer(name));
    await store.tag(await putLayeredImage(store, layers), 'v1');
    const options = { ...OPTIONS, recompress: ['zstd'], proof: { spans: 2 } } satisfies IndexImageOptions;
    return indexImage(
      { store, reference: 'v1' },
      { store: target, tag: 'x' },
      { ...options, ...(onProgress && { onProgress }) },
    );
  }

  it('are written while later layers are read, and verified after the manifests', async () => {
    const target = new RangeTarget();
    const written: number[] = [];
    const result = await convert(target, ({ type }) => {
      if (type === 'layer-started' || type === 'pushing') written.push(ztocsOf(target).length);
    });
    expect(written).toEqual([0, 1, 2, 3]);
    expect(result).toMatchObject({ outcome: 'indexed', proof: { spansRead: 3 } });
    expect(target.hadManifests).toEqual([true, true, true]);
  });

  it('get no tag if they do not match', async () => {
    const target = new RangeTarget();
    target.damage = true;
    expect(await convert(target)).toMatchObject({ outcome: 'refused', reason: 'not-proved' });
    await expect(target.resolve('x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a run that ends early', () => {
  it('leaves nothing but blobs that no manifest refers to', async () => {
    const { store, layers } = await sourceImage();
    const target = new Target();
    const abort = new AbortController();
    const onProgress = (event: PublishProgress) => {
      if (event.type === 'layer-started' && event.layer === layers[2]?.digest) abort.abort(new Error('enough'));
    };
    const options = { ...OPTIONS, signal: abort.signal, onProgress };
    const run = indexImage({ store, reference: 'v1' }, { store: target, tag: 'x' }, options);
    await expect(run).rejects.toThrow('enough');
    expect(target.pushed.map(({ mediaType }) => mediaType)).toEqual(ztocsOf(target).map(() => MEDIA_TYPE_ZTOC));
    await expect(target.resolve('x')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('throws the error of the target', async () => {
    const { store } = await sourceImage();
    for (const jobs of [1, 2]) {
      const target = new Target();
      target.push = async () => {
        throw new Error('no space');
      };
      const options = { ...OPTIONS, jobs };
      const run = indexImage({ store, reference: 'v1' }, { store: target, tag: 'x' }, options);
      await expect(run).rejects.toThrow('no space');
    }
  });

  it('writes no zTOC that does not match its layer', async () => {
    const { store } = await sourceImage();
    const target = new Target();
    store.fetchRange = async (_, { length }) => new Uint8Array(length);
    const options = { ...OPTIONS, proof: { spans: 2 } };
    const result = await indexImage({ store, reference: 'v1' }, { store: target, tag: 'x' }, options);
    expect(result).toMatchObject({
      outcome: 'refused',
      reason: 'not-proved',
      problems: [{ code: 'span-digest-mismatch' }],
    });
    expect(target.pushed).toEqual([]);
  });
});
