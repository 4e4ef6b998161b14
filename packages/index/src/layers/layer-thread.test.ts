import type { Descriptor } from '@soci/oci';
import { putLayer } from '@soci/test-content';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CountingStore } from '../fixtures/observed-stores.ts';
import { resolveOptions } from '../options.ts';
import { buildLayers } from './build-layers.ts';
import { startThreads } from './layer-thread.ts';

/** Script that the threads run instead of their own. */
let script: string | undefined;

vi.mock('node:worker_threads', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:worker_threads')>();
  class ScriptedWorker extends original.Worker {
    constructor(url: URL, options: import('node:worker_threads').WorkerOptions) {
      super(script === undefined ? url : new URL(script), { ...options, ...(script && { execArgv: [] }) });
    }
  }
  return { ...original, Worker: ScriptedWorker };
});

afterEach(() => {
  script = undefined;
});

const MISSING = new URL('./missing.js', import.meta.url).href;

describe('startThreads', () => {
  it.runIf(process.features.typescript)('starts threads that have loaded their script', async () => {
    const threads = await startThreads(2);
    expect(threads).toHaveLength(2);
    await Promise.all(threads.map((thread) => thread.close()));
  });

  it.each([
    ['does not exist', MISSING],
    ['imports a missing module', `data:text/javascript,import ${JSON.stringify(MISSING)}`],
    ['ends without a message', 'data:text/javascript,0'],
    ['has a URL that threads do not support', 'https://registry.example/layer-worker.js'],
  ])('returns no threads if the script %s', async (_what, url) => {
    script = url;
    expect(await startThreads(2)).toEqual([]);
  });
});

it('layers are built in the calling thread if the threads cannot load their script', async () => {
  script = MISSING;
  const store = new CountingStore();
  const layers = await Promise.all([300_000, 200_000].map((size, i) => putLayer(store, `layer-${i}`, size)));
  const tasks = layers.map(({ digest, size, mediaType }) => ({
    digest,
    size,
    mediaType,
    compression: 'gzip' as const,
  }));
  const built = await buildLayers(store, tasks, resolveOptions({ jobs: 2 }, 1));
  expect([...built.values()]).toMatchObject([{ origin: 'built' }, { origin: 'built' }]);
});

/** Yields chunks of these sizes in turn: each is the whole of its memory, or a view of it. */
class MixedChunksStore extends CountingStore {
  readonly whole: Uint8Array[] = [];
  readonly views: Uint8Array[] = [];

  override async *fetch(target: Descriptor): AsyncGenerator<Uint8Array, void, undefined> {
    const content = await this.fetchRange(target, { offset: 0, length: target.size });
    const sizes = [300_000, 1, 100_000, 1000, 65_536];
    for (let start = 0, i = 0; start < content.length; i++) {
      const chunk = content.subarray(start, start + (sizes[i % sizes.length] as number));
      start += chunk.length;
      if (i % 3 === 0) this.views.push(chunk);
      else this.whole.push(new Uint8Array(chunk));
      yield (i % 3 === 0 ? this.views : this.whole).at(-1) as Uint8Array;
    }
  }
}

it.runIf(process.features.typescript)(
  'chunks can have any size; large ones move to a thread unless they are views',
  async () => {
    const store = new MixedChunksStore();
    const layers = await Promise.all([3_000_000, 2_000_000].map((size, i) => putLayer(store, `layer-${i}`, size)));
    const tasks = layers.map(({ digest, size, mediaType }) => ({
      digest,
      size,
      mediaType,
      compression: 'gzip' as const,
    }));
    const digestsOf = async (jobs: number) =>
      [...(await buildLayers(store, tasks, resolveOptions({ jobs }, 1))).values()].map(
        (built) => 'ztocDigest' in built && built.ztocDigest,
      );
    const alone = await digestsOf(1);
    const sizes = store.whole.map(({ length }) => length);
    store.whole.length = 0;
    expect((await digestsOf(2)).toSorted()).toEqual(alone.toSorted());
    expect(store.views.every(({ length }) => length > 0)).toBe(true);
    expect(store.whole.map(({ length }) => length).filter((length) => length >= 65_536)).toEqual([]);
    expect(sizes.filter((length) => length >= 65_536).length).toBeGreaterThan(10);
  },
);
