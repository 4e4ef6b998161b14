import { digestOf } from '@soci/oci';
import { expect, test } from 'vitest';
import { startForTest } from '../fixtures/start-for-test.ts';
import { completeUpload, openUpload } from '../fixtures/upload.ts';
import { Pacer } from './pacer.ts';

/** Returns the duration of `work` in milliseconds. On a loaded machine it is longer, never shorter. */
async function measure(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

test('limits the rate of a connection in both directions', async () => {
  const registry = await startForTest({ rate: 10_000_000 });
  const bytes = Buffer.alloc(3_000_000, 1);
  const digest = await registry.putBlob('app', bytes);
  const down = await measure(async () => (await fetch(`${registry.url}/v2/app/blobs/${digest}`)).arrayBuffer());
  expect(down).toBeGreaterThan(295);
  const location = await openUpload(registry, 'other');
  const up = await measure(() => completeUpload(location, digestOf(bytes), bytes));
  expect(up).toBeGreaterThan(295);
});

test('limits the rate of the storage', async () => {
  const registry = await startForTest({ rate: 10_000_000, redirects: true });
  const digest = await registry.putBlob('app', Buffer.alloc(2_000_000));
  expect(
    await measure(async () => (await fetch(`${registry.url}/v2/app/blobs/${digest}`)).arrayBuffer()),
  ).toBeGreaterThan(195);
});

test('adds the latency to every response', async () => {
  const registry = await startForTest({ latency: 60 });
  expect(await measure(() => fetch(`${registry.url}/v2/`))).toBeGreaterThan(59);
  expect(await measure(() => fetch(registry.awsEndpoint, { method: 'POST' }))).toBeGreaterThan(59);
});

test('compensates timer delays, but not idle time', async () => {
  const pacer = new Pacer(1_000_000);
  expect(pacer.step).toBe(10_000);
  pacer.begin();
  const busy = await measure(async () => {
    for (let count = 0; count < 20; count++) await pacer.spend(pacer.step);
  });
  expect(busy).toBeGreaterThan(195);
  await new Promise((resolve) => setTimeout(resolve, 80));
  pacer.begin();
  expect(await measure(() => pacer.spend(50_000))).toBeGreaterThan(48);
});
