import { expect, it } from 'vitest';
import { mapInParallel } from './in-parallel.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('gives the results in the order of the items, so many at a time', async () => {
  let inFlight = 0;
  let most = 0;
  const results = await mapInParallel([5, 4, 3, 2, 1], 3, async (turns) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    for (let i = 0; i < turns; i += 1) await turn();
    inFlight -= 1;
    return turns * 10;
  });
  expect(results).toEqual([50, 40, 30, 20, 10]);
  expect(most).toBe(3);
  expect(await mapInParallel([], 3, turn)).toEqual([]);
});

it('begins nothing more after a failure, and throws it when what is in flight has ended', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const mapping = mapInParallel([0, 1, 2, 3], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('failed');
    for (let i = 0; i < 5; i += 1) await turn();
    ended.push(item);
  });
  await expect(mapping).rejects.toThrow('failed');
  expect([begun, ended]).toEqual([[0, 1], [0]]);
});
