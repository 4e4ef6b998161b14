import { describe, expect, test } from 'vitest';
import { parseContentRange } from './request-range.ts';

describe('parseContentRange', () => {
  test.each([
    ['bytes 0-0/1', { first: 0, last: 0, size: 1 }],
    ['bytes 100-199/1000', { first: 100, last: 199, size: 1000 }],
    ['Bytes 5-9/*', { first: 5, last: 9, size: undefined }],
  ])('parses %s', (text, expected) => {
    expect(parseContentRange(text)).toEqual(expected);
  });

  test.each([
    [undefined],
    [''],
    ['bytes */1000'],
    ['bytes 9-5/10'],
    ['bytes 0-10/10'],
    ['bytes 0-9'],
    ['items 0-9/10'],
    ['bytes -1-9/10'],
    ['bytes 0x1-9/10'],
    ['bytes 0-9999999999999999/*'],
    ['bytes 0-9/10, bytes 10-19/20'],
  ])('returns undefined for %s', (text) => {
    expect(parseContentRange(text)).toBeUndefined();
  });
});
