import { describe, expect, test } from 'vitest';
import { PART_SIZE, ReadAheadPool } from './read-ahead-pool.ts';

describe('ReadAheadPool', () => {
  test('returns no more buffers than its limit', () => {
    const readAhead = new ReadAheadPool(5 * PART_SIZE + 1);
    expect(readAhead.acquire(3)).toHaveLength(3);
    expect(readAhead.acquire(3)).toHaveLength(2);
    expect(readAhead.acquire(3)).toHaveLength(0);
  });

  test('returns no single buffer, which would bring no gain', () => {
    const readAhead = new ReadAheadPool(3 * PART_SIZE);
    expect(readAhead.acquire(2)).toHaveLength(2);
    expect(readAhead.acquire(2)).toHaveLength(0);
  });

  test('reuses released buffers', () => {
    const readAhead = new ReadAheadPool(2 * PART_SIZE);
    const acquired = readAhead.acquire(2);
    readAhead.release(acquired);
    expect(new Set(readAhead.acquire(2))).toEqual(new Set(acquired));
  });

  test('returns nothing with a limit of 0', () => {
    expect(new ReadAheadPool(0).acquire(8)).toHaveLength(0);
  });
});
