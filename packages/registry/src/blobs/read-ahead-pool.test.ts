import { describe, expect, test } from 'vitest';
import { DEFAULT_MAX_READ_AHEAD, MIN_PART_SIZE, ReadAheadPool } from './read-ahead-pool.ts';

/** Returns a pool with a number of blobs that are being read. */
function poolOf(maxBytes: number, blobs: number): ReadAheadPool {
  const pool = new ReadAheadPool(maxBytes);
  for (let i = 0; i < blobs; i++) pool.open();
  return pool;
}

describe('ReadAheadPool', () => {
  test('lends all of its memory to a blob that is read alone', () => {
    expect(poolOf(3 * MIN_PART_SIZE, 1).share).toBe(3 * MIN_PART_SIZE);
  });

  test('lends at most 8 MiB to each of several blobs', () => {
    expect([1, 2, 8, 12].map((blobs) => poolOf(48 << 20, blobs).share >> 20)).toEqual([48, 8, 6, 4]);
  });

  test('lends no single part, which would bring no gain', () => {
    expect(poolOf(48 << 20, 13).share).toBe(0);
    expect(poolOf(2 * MIN_PART_SIZE - 1, 1).share).toBe(0);
  });

  test('lends nothing with a limit of 0', () => {
    const pool = poolOf(0, 1);
    expect(pool.share).toBe(0);
    expect(pool.hasRoom).toBe(false);
  });

  test('waits until a blob that was alone has returned what exceeds its share', () => {
    const pool = poolOf(DEFAULT_MAX_READ_AHEAD, 1);
    pool.add(8 * MIN_PART_SIZE);
    expect(pool.hasRoom).toBe(true);
    pool.open();
    expect(pool.hasRoom).toBe(false);
    pool.add(-1);
    expect(pool.hasRoom).toBe(true);
    pool.close();
    pool.add(4 * MIN_PART_SIZE);
    expect(pool.hasRoom).toBe(true);
    expect(pool.used).toBe(12 * MIN_PART_SIZE - 1);
  });
});
