import { describe, expect, test } from 'vitest';
import { PART_SIZE, ReadAheadPool } from './read-ahead-pool.ts';

describe('ReadAheadPool', () => {
  test('lends no more than it may, whoever asks', () => {
    const readAhead = new ReadAheadPool(5 * PART_SIZE + 1);
    expect(readAhead.acquire(3)).toHaveLength(3);
    expect(readAhead.acquire(3)).toHaveLength(2);
    expect(readAhead.acquire(3)).toHaveLength(0);
  });

  test('lends nothing where one buffer is left: that is no gain', () => {
    const readAhead = new ReadAheadPool(3 * PART_SIZE);
    expect(readAhead.acquire(2)).toHaveLength(2);
    expect(readAhead.acquire(2)).toHaveLength(0);
  });

  test('lends the same memory again', () => {
    const readAhead = new ReadAheadPool(2 * PART_SIZE);
    const lent = readAhead.acquire(2);
    readAhead.release(lent);
    expect(new Set(readAhead.acquire(2))).toEqual(new Set(lent));
  });

  test('lends nothing where nothing is allowed', () => {
    expect(new ReadAheadPool(0).acquire(8)).toHaveLength(0);
  });
});
