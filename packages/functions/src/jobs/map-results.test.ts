import { expect, it } from 'vitest';
import { type ChildResult, readArray, readMapResults } from './map-results.ts';
import type { RunStore } from './store.ts';

/** Yields a text in chunks of `size` bytes. */
async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** A store with the given objects, which are read in chunks of 7 bytes. */
function storeOf(objects: Readonly<Record<string, unknown>>): RunStore {
  const unused = () => Promise.reject(new Error('not used'));
  return {
    put: unused,
    putText: unused,
    readText: unused,
    get: async (key) => objects[key],
    open: async (key) => chunksOf(JSON.stringify(objects[key]), 7),
    list: async (prefix) => Object.keys(objects).filter((key) => key.startsWith(prefix)),
  };
}

it.each([1, 2, 5, 1000])('splits an array of objects that arrives in chunks of %d bytes', async (size) => {
  const objects = [{ a: '}{"\\' }, { b: { c: [{ d: 'é' }] } }, {}];
  const texts = await collect(readArray(chunksOf(JSON.stringify(objects, undefined, 1), size)));
  expect(texts.map((text) => JSON.parse(text))).toEqual(objects);
});

it.each(['[]', '[\n]', ''])('finds nothing in %j', async (text) => {
  expect(await collect(readArray(chunksOf(text, 1)))).toEqual([]);
});

it('rejects an array that ends within an object, and an object without end', async () => {
  await expect(collect(readArray(chunksOf('[{"a":1', 3)))).rejects.toThrow('ends within an entry');
  const endless = `[{"a":"${'a'.repeat(5 << 20)}`;
  await expect(collect(readArray(chunksOf(endless, 1 << 20)))).rejects.toThrow('an entry has more than');
});

it('reads the results of all map runs below a prefix', async () => {
  const entry = (more: object) => ({ Input: '{"id":"1"}', Status: 'X', ...more });
  const store = storeOf({
    'r/1/manifest.json': { ResultFiles: { SUCCEEDED: [{ Key: 'r/1/SUCCEEDED_0.json' }], FAILED: [], PENDING: [] } },
    'r/1/SUCCEEDED_0.json': [entry({ Output: '{"outcome":"indexed"}' }), entry({ Output: '{"outcome":"failed"}' })],
    'r/2/manifest.json': { ResultFiles: { SUCCEEDED: [], FAILED: [{ Key: 'r/2/FAILED_0.json' }], PENDING: [] } },
    'r/2/FAILED_0.json': [entry({ Error: 'Runtime.ExitError', Cause: '{}' })],
    'other/manifest.json': {},
  });
  const results: ChildResult[] = await collect(readMapResults(store, 'r'));
  expect(results).toEqual([
    { status: 'succeeded', input: { id: '1' }, output: { outcome: 'indexed' } },
    { status: 'succeeded', input: { id: '1' }, output: { outcome: 'failed' } },
    { status: 'failed', input: { id: '1' }, error: 'Runtime.ExitError', cause: '{}' },
  ]);
});
