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
