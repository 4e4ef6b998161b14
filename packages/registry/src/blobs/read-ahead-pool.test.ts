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
    const pool = poolOf(3 * MIN_PART_SIZE, 1);
    expect(pool.share).toBe(3 * MIN_PART_SIZE);
    expect(pool.acquire(2 * MIN_PART_SIZE, 0)).toBe(true);
    expect(pool.acquire(2 * MIN_PART_SIZE, 2 * MIN_PART_SIZE)).toBe(false);
    expect(pool.acquire(MIN_PART_SIZE, 2 * MIN_PART_SIZE)).toBe(true);
  });

  test('lends at most 8 MiB to each of several blobs', () => {
    expect([1, 2, 8, 12].map((blobs) => poolOf(DEFAULT_MAX_READ_AHEAD, blobs).share >> 20)).toEqual([48, 8, 6, 4]);
  });

  test('lends no single part, which would bring no gain', () => {
    expect(poolOf(DEFAULT_MAX_READ_AHEAD, 13).share).toBe(0);
    expect(poolOf(2 * MIN_PART_SIZE - 1, 1).share).toBe(0);
  });

  test('lends nothing with a limit of 0', () => {
    const pool = poolOf(0, 1);
    expect(pool.share).toBe(0);
    expect(pool.acquire(MIN_PART_SIZE, 0)).toBe(false);
  });

  test('waits until a blob that was alone has returned what exceeds its share', () => {
    const pool = poolOf(DEFAULT_MAX_READ_AHEAD, 1);
    const parts = [0, 1, 2, 3, 4, 5, 6, 7];
    for (const part of parts) expect(pool.acquire(MIN_PART_SIZE, part * MIN_PART_SIZE)).toBe(true);
    pool.open();
    expect(pool.acquire(MIN_PART_SIZE, 0)).toBe(false);
    pool.release(MIN_PART_SIZE);
    expect(pool.acquire(MIN_PART_SIZE, 7 * MIN_PART_SIZE)).toBe(false);
    expect(pool.acquire(MIN_PART_SIZE, 0)).toBe(true);
    pool.close();
    pool.release(MIN_PART_SIZE);
    expect(pool.acquire(MIN_PART_SIZE, 7 * MIN_PART_SIZE)).toBe(true);
  });
});
