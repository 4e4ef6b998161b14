import { describe, expect, test } from 'vitest';
import { MAX_PARTS, type NetworkPath, planParts } from './plan-parts.ts';
import { DEFAULT_MAX_READ_AHEAD, MIN_PART_SIZE } from './read-ahead-pool.ts';

/** Returns the expected rate of all connections, in bytes per millisecond. */
function rateOf({ rate, delay }: NetworkPath, memory: number): number {
  const { size, count } = planParts({ rate, delay }, memory);
  return (count * size) / (delay + size / rate);
}

describe('planParts', () => {
  test.each([
    ['50 MB/s, 100 ms', { rate: 50_000, delay: 100 }, 400_000],
    ['60 MB/s, 15 ms, as on AWS', { rate: 60_000, delay: 15 }, 400_000],
    ['90 MB/s, 1 ms', { rate: 90_000, delay: 1 }, 400_000],
    ['5 MB/s, 200 ms', { rate: 5_000, delay: 200 }, 0.85 * MAX_PARTS * 5_000],
  ])('with %s reaches the target rate', (_, path, expected) => {
    expect(rateOf(path, DEFAULT_MAX_READ_AHEAD)).toBeGreaterThanOrEqual(0.999 * expected);
  });

  test('needs little memory if the delay is short', () => {
    const { size, count } = planParts({ rate: 60_000, delay: 15 }, DEFAULT_MAX_READ_AHEAD);
    expect(size * count).toBeLessThanOrEqual(24 << 20);
  });

  test('has at least two parts, none larger than a fourth of the memory or 2 MiB', () => {
    for (const rate of [1, 100, 10_000, 99_000])
      for (const delay of [0, 1, 100, 10_000])
        for (const memory of [2, 3, 8, 32].map((parts) => parts * MIN_PART_SIZE)) {
          const { size, count } = planParts({ rate, delay }, memory);
          expect(size).toBeGreaterThanOrEqual(MIN_PART_SIZE);
          expect(count).toBeGreaterThanOrEqual(2);
          expect(count).toBeLessThanOrEqual(MAX_PARTS);
          expect(size).toBeLessThanOrEqual(Math.max(MIN_PART_SIZE, memory / 4));
        }
  });
});
