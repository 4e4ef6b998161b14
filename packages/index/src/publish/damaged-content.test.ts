import { copyImage } from '@soci/oci';
import { createLayout, openLayout } from '@soci/oci/layout';
import { MemoryStore } from '@soci/oci/memory';
import { openRegistry } from '@soci/registry';
import { makeImage, makeLayer, pushImage } from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { type Fault, type RequestRecord, startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexImage } from './index-image.ts';
import type { IndexImageOptions, PublishProgress } from './options.ts';

const folder = temporaryFolder();
const OPTIONS = { minLayerSize: 1000, spanSize: 1 << 18 } satisfies IndexImageOptions;

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry({ redirects: true });
  const layers = [makeLayer('base', 1_500_000), makeLayer('app', 900_000), makeLayer('small', 500)];
  await pushImage(registry, 'app', 'v1', makeImage(layers));
});
afterAll(() => registry.stop());

const clients: { close(): void }[] = [];
afterAll(() => {
  for (const client of clients) client.close();
});

/** Opens a repository with empty caches. */
function open(path: string) {
  const client = openRegistry(registry.host, { plainHttp: true, env: {}, retry: { baseDelay: 1, maxAttempts: 2 } });
  clients.push(client);
  return client.repository(path);
}

let runs = 0;

/** Indexes the image into a new repository, while the registry has a fault. Returns the digest that the tag then names. */
async function index(jobs: number, options: IndexImageOptions = {}): Promise<string | undefined> {
  const path = `run-${++runs}/app`;
  await indexImage(
    { store: open('app'), reference: 'v1' },
    { store: open(path), tag: 'v1-soci' },
    { ...OPTIONS, jobs, ...options },
  );
  expect(registry.checkGraph(path, 'v1-soci')).toEqual([]);
  return registry.manifest(path, 'v1-soci')?.digest;
}

/** Injects a fault into the next request like `request`. */
function injectAt({ port, method, path }: RequestRecord, fault: Fault) {
  return registry.inject({ on: { port, method, path }, fault });
}

const readsContent = ({ method, bytesOut, port, status }: RequestRecord) =>
  method === 'GET' && bytesOut > 0 && port !== 'aws' && status < 300;

async function requestsWithoutFault(jobs: number): Promise<RequestRecord[]> {
  registry.clearRequests();
  await index(jobs);
  const requests = registry.requests.filter(readsContent);
  return [...new Map(requests.map((request) => [request.path, request])).values()];
}

describe.each([
  { jobs: 1, positions: [0, 1, 9, 0.3, 0.999] },
  { jobs: 3, positions: [9, 0.999] },
])('content that is damaged once, with $jobs jobs', ({ jobs, positions }) => {
  it('gives the same image as content that is not damaged', async () => {
    const expected = await index(jobs);
    const requests = await requestsWithoutFault(jobs);
    expect(requests.length).toBeGreaterThanOrEqual(5); // the manifest, its configuration, and three layers
    for (const request of requests) {
      for (const at of positions) {
        const position = at < 1 ? Math.floor(at * request.bytesOut) : at;
        const fault = injectAt(request, { kind: 'wrong-bytes', atByte: position });
        expect(await index(jobs), `byte ${position} of ${request.path}`).toBe(expected);
        expect(fault.hits, request.path).toBe(1);
        fault.remove();
      }
    }
  });

  it('reports progress of at most 100 %', async () => {
    const [largest] = (await requestsWithoutFault(jobs)).toSorted((a, b) => b.bytesOut - a.bytesOut);
    injectAt(largest as RequestRecord, { kind: 'wrong-bytes', atByte: 1_400_000 });
    const started: string[] = [];
    const bytes = new Map<string, number>();
    let planned = 0;
    const onProgress = (event: PublishProgress) => {
      if (event.type === 'planned') planned = event.bytes;
      if (event.type === 'layer-started') started.push(event.layer);
      if (event.type === 'layer-started') bytes.set(event.layer, 0);
      if (event.type === 'layer-progress') bytes.set(event.layer, event.bytes);
      expect([...bytes.values()].reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(planned);
    };
    await index(jobs, { onProgress });
    expect(started.length - new Set(started).size).toBe(1);
  });
});

it('a wrong digest header in one answer gives the same image', async () => {
  const expected = await index(1);
  for (const method of ['GET', 'HEAD', 'PUT', 'POST']) {
    for (let after = 0; ; after++) {
      const fault = registry.inject({ on: { method }, after, fault: { kind: 'wrong-digest-header' } });
      expect(await index(1), `${method} ${after}`).toBe(expected);
      fault.remove();
      if (fault.hits === 0) break;
    }
  }
});

it.each([
  ['a layer that is one byte longer', (size: number) => size - 1, 0],
  ['a layer that is one byte shorter', (size: number) => size + 1, 0],
  ['a layer with a wrong byte', (size: number) => size, Number.POSITIVE_INFINITY],
])('%s in every read fails with the errors of both reads', async (_, change, times) => {
  const { descriptor, bytes } = makeLayer('damaged', 100_000);
  const { digest } = descriptor;
  const image = makeImage([{ descriptor: { ...descriptor, size: change(descriptor.size) }, bytes }]);
  const source = await startTestRegistry();
  const client = openRegistry(source.host, { plainHttp: true, env: {}, retry: { baseDelay: 1, maxAttempts: 2 } });
  try {
    for (const blob of image.blobs) await source.putBlob('app', blob.bytes);
    source.putManifest('app', 'v1', image.descriptor.mediaType, image.bytes);
    const fault = source.inject({ on: { path: digest }, times, fault: { kind: 'wrong-bytes', atByte: 50_000 } });
    const store = client.repository('app');
    const run = indexImage({ store, reference: 'v1' }, { store, tag: 'v1-soci' }, OPTIONS);
    const message = expect.stringMatching(new RegExp(`${digest}.*(in both reads|second read; the first read)`));
    await expect(run).rejects.toMatchObject({ message });
    if (times > 0) expect(fault.hits).toBe(2);
    expect(source.tags('app')).toEqual(['v1']);
  } finally {
    client.close();
    await source.stop();
  }
});

it('content that is damaged while it is copied into a layout is read again', async () => {
  for (const { port, path } of await requestsWithoutFault(1)) {
    for (const after of [0, 1]) {
      const layout = `${folder}/layout-${++runs}`;
      const target = await createLayout(layout);
      const fault = registry.inject({
        on: { port, method: 'GET', path },
        after,
        fault: { kind: 'wrong-bytes', atByte: 20 },
      });
      const result = await indexImage(
        { store: open('app'), reference: 'v1' },
        { store: target, tag: 'v1-soci' },
        OPTIONS,
      );
      await target.commit();
      fault.remove();
      expect(result.outcome).toBe('indexed');
      const written = await openLayout(layout);
      const copy = new MemoryStore();
      await copyImage(written, copy, await written.resolve('v1-soci'));
    }
  }
});
