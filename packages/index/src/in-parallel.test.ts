import { expect, it } from 'vitest';
import { mapInParallel } from './in-parallel.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

it('returns the results in the order of the items, and respects the limit', async () => {
  let inFlight = 0;
  let most = 0;
  const results = await mapInParallel([5, 4, 3, 2, 1], 3, async (item) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    for (let i = 0; i < item; i += 1) await nextTurn();
    inFlight -= 1;
    return item * 10;
  });
  expect(results).toEqual([50, 40, 30, 20, 10]);
  expect(most).toBe(3);
  expect(await mapInParallel([], 3, nextTurn)).toEqual([]);
});

it('starts no further calls after an error, and throws it after running calls have ended', async () => {
  const started: number[] = [];
  const ended: number[] = [];
  const mapping = mapInParallel([0, 1, 2, 3], 2, async (item) => {
    started.push(item);
    if (item === 1) throw new Error('failed');
    for (let i = 0; i < 5; i += 1) await nextTurn();
    ended.push(item);
  });
  await expect(mapping).rejects.toThrow('failed');
  expect([started, ended]).toEqual([[0, 1], [0]]);
});
