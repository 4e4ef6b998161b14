import { describe, expect, test } from 'vitest';
import { PART_SIZE, ReadAhead } from './read-ahead.ts';

describe('ReadAhead', () => {
  test('lends no more than it may, whoever asks', () => {
    const readAhead = new ReadAhead(5 * PART_SIZE + 1);
    expect(readAhead.lend(3)).toHaveLength(3);
    expect(readAhead.lend(3)).toHaveLength(2);
    expect(readAhead.lend(3)).toHaveLength(0);
  });

  test('lends nothing where one buffer is left: that is no gain', () => {
    const readAhead = new ReadAhead(3 * PART_SIZE);
    expect(readAhead.lend(2)).toHaveLength(2);
    expect(readAhead.lend(2)).toHaveLength(0);
  });

  test('lends the same memory again', () => {
    const readAhead = new ReadAhead(2 * PART_SIZE);
    const lent = readAhead.lend(2);
    readAhead.takeBack(lent);
    expect(new Set(readAhead.lend(2))).toEqual(new Set(lent));
  });

  test('lends nothing where nothing is allowed', () => {
    expect(new ReadAhead(0).lend(8)).toHaveLength(0);
  });
});
