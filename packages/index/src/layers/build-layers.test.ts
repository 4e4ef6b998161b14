import type { Worker } from 'node:worker_threads';
import { MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { makeLayer, put, putLayer } from '@soci/test-content';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CountingStore } from '../fixtures/observed-stores.ts';
import { resolveOptions, type SociIndexOptions } from '../options.ts';
import type { IndexProgress } from '../progress.ts';
import { buildLayers } from './build-layers.ts';
import type { LayerTask } from './layer-plan.ts';

const task = ({ digest, size, mediaType }: Omit<LayerTask, 'compression'>): LayerTask => ({
  digest,
  size,
  mediaType,
  compression: 'gzip',
});
const build = (store: CountingStore, tasks: readonly LayerTask[], options: SociIndexOptions) =>
  buildLayers(store, tasks, resolveOptions(options, 1));

async function putLayers(store: CountingStore, sizes: readonly number[]): Promise<LayerTask[]> {
  const layers = sizes.map((size, i) => putLayer(store, `layer-${i}`, size));
  return (await Promise.all(layers)).map(task);
}

/** Returns a list to which threads are added when they start. The ID of a thread is -1 after its end. */
function startedThreads(): Worker[] {
  const threads: Worker[] = [];
  const add = (thread: Worker) => threads.push(thread);
  process.on('worker', add);
  onTestFinished(() => void process.off('worker', add));
  return threads;
}

// The TypeScript sources run in threads only if Node strips types. The published build always runs in threads.
describe.runIf(process.features.typescript)('buildLayers on several threads', () => {
  it('produces the same output as one thread', async () => {
    const store = new CountingStore();
    const tasks = await putLayers(store, [3_000_000, 10, 500_000, 1_200_000, 700_000]);
    const options = { spanSize: 65536, prefetchFiles: ['layer-2'] };
    const alone = await build(store, tasks, { ...options, jobs: 1 });
    const together = await build(store, tasks, { ...options, jobs: 3 });
    const comparable = (built: typeof alone) =>
      [...built]
        .map(([key, layer]) => [key, { ...layer, seconds: 0, ztoc: 'ztoc' in layer && Buffer.from(layer.ztoc) }])
        .sort();
    expect(comparable(together)).toEqual(comparable(alone));
    expect([...store.fetches.values()]).toEqual([2, 2, 2, 2, 2]);
  });

  it('produces the same output for a single layer, with a thread that ends afterwards', async () => {
    const started = startedThreads();
    const store = new CountingStore();
    const [layer] = (await putLayers(store, [9_000_000])) as [LayerTask];
    const [alone, together] = await Promise.all([1, 2].map((jobs) => build(store, [layer], { jobs })));
    const [first, second] = [alone, together].map((built) =>
      [...(built?.values() ?? [])].map((each) => ({ ...each, seconds: 0 })),
    );
    expect(second).toEqual(first);
    expect(started.map(({ threadId }) => threadId)).toEqual([-1]);
  });

  it('stops reading a single layer when it is aborted, and leaves no thread', async () => {
    const started = startedThreads();
    const store = new CountingStore();
    const layers = await putLayers(store, [9_000_000]);
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = (event: IndexProgress) => event.type === 'layer-progress' && controller.abort(reason);
    await expect(build(store, layers, { jobs: 2, signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(started.map(({ threadId }) => threadId)).toEqual([-1]);
  });

  it('starts with the largest layer', async () => {
    const store = new CountingStore();
    const tasks = await putLayers(store, [1000, 300_000, 2000, 200_000]);
    const events: IndexProgress[] = [];
    await build(store, tasks, { jobs: 2, onProgress: (event) => events.push(event) });
    const started = events.flatMap((event) => (event.type === 'layer-started' ? [event.size] : []));
    expect(started).toEqual([...started].sort((a, b) => b - a));
    expect(events.filter(({ type }) => type === 'layer-done')).toHaveLength(4);
  });

  it('fails with the digest of a damaged layer and the byte offset', async () => {
    const store = new CountingStore();
    const good = await putLayers(store, [400_000, 900_000]);
    const { bytes } = makeLayer('bad', 600_000);
    bytes.fill(0xff, 300_000, 300_100);
    const bad = task(await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, bytes));
    for (const jobs of [1, 2, 3]) {
      await expect(build(store, [...good, bad], { jobs })).rejects.toMatchObject({
        code: 'LAYER_INVALID',
        digest: bad.digest,
        cause: { name: 'ZtocError', offset: expect.any(Number) },
      });
    }
  });

  it('fails with the error of the store', async () => {
    const store = new CountingStore();
    const [first, second] = await putLayers(store, [900_000, 800_000]);
    const absent = task({ mediaType: MEDIA_TYPE_OCI_LAYER_GZIP, digest: `sha256:${'0'.repeat(64)}`, size: 1 });
    await expect(build(store, [first, second, absent] as LayerTask[], { jobs: 3 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('throws the abort reason of the signal', async () => {
    const store = new CountingStore();
    const tasks = await putLayers(store, [2_000_000, 2_000_000, 2_000_000]);
    for (const jobs of [1, 2]) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const onProgress = ({ type }: IndexProgress) => type === 'layer-progress' && controller.abort(reason);
      await expect(build(store, tasks, { jobs, signal: controller.signal, onProgress })).rejects.toBe(reason);
      await expect(build(store, tasks, { jobs, signal: controller.signal })).rejects.toBe(reason);
    }
  });
});

describe('the limit on the zTOCs of an image', () => {
  it('names the layer whose zTOC exceeds it', async () => {
    const store = new CountingStore();
    const [largest, second] = await putLayers(store, [90_000, 80_000, 70_000]);
    const tasks = [largest, second] as LayerTask[];
    const sizes = [...(await build(store, tasks, { jobs: 1 })).values()].map((layer) =>
      'ztocSize' in layer ? layer.ztocSize : 0,
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    await expect(build(store, tasks, { jobs: 1, limits: { maxZtocsSize: total } })).resolves.toHaveProperty('size', 2);
    await expect(build(store, tasks, { jobs: 1, limits: { maxZtocsSize: total - 1 } })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      digest: second?.digest,
      message: expect.stringContaining(`exceed maxZtocsSize (${total - 1} bytes)`),
    });
  });
});
