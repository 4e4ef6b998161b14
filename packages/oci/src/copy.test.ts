import { describeContent, jsonBytes, put, toBytes } from '@soci/test-content';
import { expect, test } from 'vitest';
import { type CopyProgress, copyImage } from './copy.ts';
import type { Descriptor } from './descriptor.ts';
import { MountingStore, PartialStore, SlowStore } from './fixtures/copy-targets.ts';
import { makeImage } from './fixtures/image.ts';
import type { OciLimits } from './limits.ts';
import { parseManifest } from './manifest.ts';
import {
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER_GZIP,
} from './media-types.ts';
import { MemoryStore } from './memory-store.ts';
import { OverlayStore } from './overlay.ts';
import { readVerified } from './read.ts';
import { listSuccessors } from './walk.ts';

test('copies everything, leaves first', async () => {
  const { store, root } = await makeImage();
  const target = new MemoryStore();
  const seen: CopyProgress[] = [];
  const result = await copyImage(store, target, root, { onProgress: (progress) => seen.push(progress) });
  expect(result).toEqual({
    copied: 8,
    bytes: seen.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    mounted: 0,
    present: 0,
  });
  expect(seen.at(-1)).toEqual({ descriptor: root, outcome: 'copied' });
  expect(await target.resolve(root.digest)).toEqual(root);
});

/** A store that damages the first reads of each blob: changes a byte, or the size. */
class DamagingStore extends MemoryStore {
  readonly #reads: number;
  readonly #damage: (chunk: Uint8Array) => Uint8Array;
  /** Number of reads that are still damaged, by digest. */
  readonly #left = new Map<string, number>();

  constructor(reads: number, damage: (chunk: Uint8Array) => Uint8Array) {
    super();
    this.#reads = reads;
    this.#damage = damage;
  }

  override async *fetch(target: Descriptor): AsyncGenerator<Uint8Array, void, undefined> {
    const left = this.#left.get(target.digest) ?? this.#reads;
    this.#left.set(target.digest, left - 1);
    for await (const chunk of super.fetch(target)) yield left > 0 ? this.#damage(chunk) : chunk;
  }
}

const DAMAGES: readonly [string, (chunk: Uint8Array) => Uint8Array][] = [
  ['a wrong byte', (chunk) => chunk.slice().fill((chunk[0] as number) ^ 1, 0, 1)],
  ['a byte more', (chunk) => Buffer.concat([chunk, Buffer.from('x')])],
  ['a byte less', (chunk) => chunk.subarray(1)],
];

test.each(DAMAGES)('reads content again, once, if it has %s', async (_, damage) => {
  const { store, root } = await makeImage();
  const source = new DamagingStore(1, damage);
  await copyImage(store, source, root);
  const target = new MemoryStore();
  expect(await copyImage(source, target, root)).toMatchObject({ copied: 8 });
  expect(await copyImage(store, target, root, { repair: true })).toMatchObject({ copied: 0, present: 8 });
});

test.each(DAMAGES)('names both reads if content has %s twice', async (_, damage) => {
  const { store, root } = await makeImage();
  const source = new DamagingStore(2, damage);
  await copyImage(store, source, root);
  const target = new MemoryStore();
  await expect(copyImage(source, target, root)).rejects.toMatchObject({
    code: expect.stringMatching(/^(DIGEST|SIZE)_MISMATCH$/),
    message: expect.stringMatching(/\(in both reads\)$/),
  });
  expect(await target.exists(root)).toBe(false);
});

test('skips content that the target has', async () => {
  const { store, root, manifests } = await makeImage();
  const target = new MemoryStore();
  await copyImage(store, target, manifests[0] as Descriptor);
  expect(await copyImage(store, target, root)).toMatchObject({ copied: 4, present: 2 });
  expect(await copyImage(store, target, root)).toMatchObject({ copied: 0, bytes: 0, present: 1 });
});

test('checks the content below an existing manifest only with repair', async () => {
  const { store, root, manifests } = await makeImage();
  const target = new PartialStore();
  await copyImage(store, target, root);
  target.lost.add((manifests[1] as Descriptor).digest);

  expect(await copyImage(store, target, root)).toMatchObject({ copied: 0, present: 1 });
  expect(await target.exists(manifests[1] as Descriptor)).toBe(false);
  expect(await copyImage(store, target, root, { repair: true })).toMatchObject({ copied: 1, present: 7 });
  expect(await target.exists(manifests[1] as Descriptor)).toBe(true);
});

test('neither probes nor reads content that the caller reports as present', async () => {
  const { store, root, manifests } = await makeImage();
  const target = new PartialStore();
  await copyImage(store, target, manifests[0] as Descriptor);
  target.probed.length = 0;
  const result = await copyImage(store, target, root, { present: ({ digest }) => digest === manifests[0]?.digest });
  expect(result).toMatchObject({ copied: 4, present: 2 });
  expect(target.probed).not.toContain(manifests[0]?.digest);
});

test('mounts blobs if the target can, and copies blobs that the registry does not mount', async () => {
  const { store, root, manifests } = await makeImage();
  const [first] = parseManifest(
    await readVerified(store, manifests[0] as Descriptor),
    manifests[0] as Descriptor,
  ).layers;
  const target = new MountingStore(store, new Set([first?.digest ?? '']));
  const seen: CopyProgress[] = [];
  const result = await copyImage(store, target, root, {
    mountFrom: 'library/base',
    onProgress: (progress) => seen.push(progress),
  });
  expect(result).toMatchObject({ copied: 7, mounted: 1, present: 0 });
  expect(seen).toContainEqual({ descriptor: first, outcome: 'mounted' });
  expect(target.repositories).toEqual(new Set(['library/base']));
});

test.each([1, 3, 8])(
  'has at most %i transfers in flight, and pushes a manifest after its content',
  async (concurrency) => {
    const { store, root } = await wideImage(3, 10);
    const target = new SlowStore();
    await copyImage(store, target, root, { concurrency });
    expect(target.maxInFlight).toBe(concurrency);
    expect(target.pushed.at(-1)).toBe(root.digest);
    for (const descriptor of target.manifests) {
      const named = listSuccessors(descriptor, await readVerified(target, descriptor)).map(({ digest }) => digest);
      const before = target.pushed.slice(0, target.pushed.indexOf(descriptor.digest));
      expect(before).toEqual(expect.arrayContaining(named));
    }
  },
);

test('the first failure aborts the other transfers and is thrown', async () => {
  const { store, root } = await wideImage(2, 6);
  const failure = new Error('disk full');
  const target = new SlowStore();
  let calls = 0;
  const aborted: unknown[] = [];
  target.beforePush = async (signal) => {
    calls += 1;
    if (calls === 3) throw failure;
    await new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(aborted.push(signal.reason)));
    });
  };
  await expect(copyImage(store, target, root, { concurrency: 3 })).rejects.toBe(failure);
  expect(aborted).toEqual([failure, failure]);
  expect(calls).toBe(3);
  expect(target.pushed).toEqual([]);
});

test('throws the reason of the signal', async () => {
  const { store, root } = await wideImage(2, 6);
  const abort = new AbortController();
  const reason = new Error('stopped');
  const target = new SlowStore();
  target.beforePush = async (signal) => {
    abort.abort(reason);
    signal?.throwIfAborted();
  };
  await expect(copyImage(store, target, root, { signal: abort.signal })).rejects.toBe(reason);
});

test('keeps few manifests in memory while many wait for a slow blob', async () => {
  const store = new MemoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
  const manifests: Descriptor[] = [];
  for (let i = 0; i < 60; i += 1) {
    const annotations = { number: `${i}` };
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [], annotations };
    manifests.push(await put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, jsonBytes(manifest)));
  }
  const root = await put(
    store,
    MEDIA_TYPE_OCI_IMAGE_INDEX,
    jsonBytes({ schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests }),
  );
  const read = new Set<string>();
  const source = {
    fetch(target: Descriptor) {
      read.add(target.digest);
      return store.fetch(target);
    },
  };
  const target = new SlowStore();
  let readMeanwhile = 0;
  target.beforePush = async () => {
    if (readMeanwhile > 0) return;
    // Enough time to read all manifests.
    for (let tick = 0; tick < 600; tick += 1) await new Promise((resolve) => setImmediate(resolve));
    readMeanwhile = read.size;
  };
  await copyImage(source, target, root, { concurrency: 2 });
  expect(readMeanwhile).toBeLessThan(10);
  expect(read.size).toBe(62);
});

test('streams blobs', async () => {
  const store = new MemoryStore();
  const size = 5 << 20;
  const layer = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, new Uint8Array(size));
  const chunks: number[] = [];
  await copyImage(
    store,
    {
      exists: async () => false,
      push: async (_, content) => {
        for await (const chunk of content as AsyncIterable<Uint8Array>) chunks.push(chunk.length);
      },
    },
    layer,
  );
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.reduce((sum, length) => sum + length)).toBe(size);
});

test.each([0, 1.5, Number.NaN])('rejects a concurrency of %d', async (concurrency) => {
  const { store, root } = await makeImage();
  await expect(copyImage(store, new MemoryStore(), root, { concurrency })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
  });
});

test('rejects images that exceed the limits', async () => {
  const { store, root } = await makeImage();
  const copy = (limits: OciLimits) => copyImage(store, new MemoryStore(), root, { limits });
  await expect(copy({ maxNodes: 7 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  await expect(copy({ maxDepth: 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  await expect(copy({ maxNodes: 8, maxDepth: 2 })).resolves.toMatchObject({ copied: 8 });
});

test('a missing layer fails the copy before its manifest is written', async () => {
  const { store, root, missing } = await imageWithout(MEDIA_TYPE_OCI_LAYER_GZIP);
  const target = new MemoryStore();
  await expect(copyImage(store, target, root)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining(missing.digest),
  });
  expect(await target.exists(root)).toBe(false);
});

test('a non-distributable layer may be missing', async () => {
  const { store, root, missing } = await imageWithout('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip');
  const seen: CopyProgress[] = [];
  await copyImage(store, new MemoryStore(), root, { onProgress: (progress) => seen.push(progress) });
  expect(seen).toContainEqual({ descriptor: missing, outcome: 'elsewhere' });
});

test('an overlay reads from both stores and writes to the upper one', async () => {
  const { store: lower, root } = await makeImage();
  const upper = new MemoryStore();
  const overlay = new OverlayStore(upper, lower);
  const extra = toBytes('on the top');
  const added = describeContent('application/octet-stream', extra);
  await overlay.push(added, extra);
  await overlay.push(root, toBytes('ignored: it exists already'));

  expect([await upper.exists(added), await lower.exists(added)]).toEqual([true, false]);
  expect([await upper.exists(root), await overlay.exists(root)]).toEqual([false, true]);
  expect(await overlay.fetchRange(added, { offset: 7, length: 3 })).toEqual(toBytes('top'));
  expect(await overlay.fetchRange(root, { offset: 0, length: 2 })).toEqual(toBytes('{"'));
  const target = new MemoryStore();
  await copyImage(overlay, target, added);
  expect(await copyImage(overlay, target, root)).toMatchObject({ copied: 8 });
});

/** Creates an image whose only layer, of the given type, is not in the store. */
async function imageWithout(mediaType: string) {
  const store = new MemoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
  const missing = describeContent(mediaType, toBytes('missing'));
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [missing] };
  return { store, missing, root: await put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, jsonBytes(manifest)) };
}

/** Creates an image index with the given number of images and of layers in each. */
async function wideImage(images: number, layers: number) {
  const store = new MemoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, toBytes('{}'));
  const manifests: Descriptor[] = [];
  for (let image = 0; image < images; image += 1) {
    const own: Descriptor[] = [];
    for (let i = 0; i < layers; i += 1)
      own.push(await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, toBytes(`layer ${image} ${i}`)));
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: own };
    manifests.push(await put(store, MEDIA_TYPE_OCI_IMAGE_MANIFEST, jsonBytes(manifest)));
  }
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests };
  return { store, root: await put(store, MEDIA_TYPE_OCI_IMAGE_INDEX, jsonBytes(index)) };
}
