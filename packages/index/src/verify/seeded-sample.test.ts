import { expect, it } from 'vitest';
import { sampleBySeed } from './seeded-sample.ts';

const items = Array.from({ length: 100 }, (_, i) => i);

it('chooses as many as asked, each once, in order', () => {
  const sample = sampleBySeed(items, 10, 1);
  expect(new Set(sample).size).toBe(10);
  expect(sample).toEqual([...sample].sort((a, b) => a - b));
});

it('chooses the same by the same seed, and others by another', () => {
  expect(sampleBySeed(items, 10, 7)).toEqual(sampleBySeed(items, 10, 7));
  expect(sampleBySeed(items, 10, 7)).not.toEqual(sampleBySeed(items, 10, 8));
});

it('chooses every item in the end', () => {
  const chosen = new Set(items.flatMap((seed) => sampleBySeed(items, 10, seed)));
  expect(chosen.size).toBe(100);
});

it('takes all where there are no more', () => {
  expect(sampleBySeed(items, 100, 1)).toEqual(items);
});
