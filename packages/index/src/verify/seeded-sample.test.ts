import { expect, it } from 'vitest';
import { sampleBySeed } from './spot-check.ts';

const items = Array.from({ length: 100 }, (_, i) => i);

it('selects the requested number of distinct items, in order', () => {
  const sample = sampleBySeed(items, 10, 1);
  expect(new Set(sample).size).toBe(10);
  expect(sample).toEqual([...sample].sort((a, b) => a - b));
});

it('selects the same items for the same seed, and others for another seed', () => {
  expect(sampleBySeed(items, 10, 7)).toEqual(sampleBySeed(items, 10, 7));
  expect(sampleBySeed(items, 10, 7)).not.toEqual(sampleBySeed(items, 10, 8));
});

it('selects every item with some seed', () => {
  const chosen = new Set(items.flatMap((seed) => sampleBySeed(items, 10, seed)));
  expect(chosen.size).toBe(100);
});

it('returns all items if the count is not smaller', () => {
  expect(sampleBySeed(items, 100, 1)).toEqual(items);
});
