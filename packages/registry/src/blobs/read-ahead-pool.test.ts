import { describe, expect, test } from 'vitest';
import { MIN_PART_SIZE, ReadAheadPool } from './read-ahead-pool.ts';

describe('ReadAheadPool', () => {
  test('reserves at most its limit', () => {
    const readAhead = new ReadAheadPool(5 * MIN_PART_SIZE + 1);
    expect(readAhead.acquire(3 * MIN_PART_SIZE)).toBe(3 * MIN_PART_SIZE);
    expect(readAhead.acquire(3 * MIN_PART_SIZE)).toBe(2 * MIN_PART_SIZE + 1);
    expect(readAhead.acquire(3 * MIN_PART_SIZE)).toBe(0);
  });

  test('reserves no single part, which would bring no gain', () => {
    const readAhead = new ReadAheadPool(3 * MIN_PART_SIZE);
    expect(readAhead.acquire(2 * MIN_PART_SIZE)).toBe(2 * MIN_PART_SIZE);
    expect(readAhead.acquire(2 * MIN_PART_SIZE)).toBe(0);
  });

  test('reserves released memory again', () => {
    const readAhead = new ReadAheadPool(2 * MIN_PART_SIZE);
    readAhead.release(readAhead.acquire(2 * MIN_PART_SIZE));
    expect(readAhead.acquire(8 * MIN_PART_SIZE)).toBe(2 * MIN_PART_SIZE);
  });

  test('reserves nothing with a limit of 0', () => {
    expect(new ReadAheadPool(0).acquire(8 * MIN_PART_SIZE)).toBe(0);
  });
});
