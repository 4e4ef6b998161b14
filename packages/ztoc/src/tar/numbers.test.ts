import { type Bytes, base256, toBytes } from '@soci/test-content';
import { describe, expect, test } from 'vitest';
import { parseDecimal, parseNumberField } from './numbers.ts';

function parse(field: Bytes, width = toBytes(field).length) {
  const block = new Uint8Array(width + 4).fill(0x39);
  block.set(new Uint8Array(width), 2);
  block.set(toBytes(field), 2);
  return parseNumberField(block, 2, width);
}

describe('an octal field', () => {
  test.each([
    ['0000644\0', 0o644],
    ['0000644 ', 0o644],
    ['00000644', 0o644],
    ['   644 \0', 0o644],
    ['\0\x00644\0\0', 0o644],
    ['777777777777', 2 ** 36 - 1],
  ])('%j is %d', (field, value) => {
    expect(parse(field)).toBe(value);
  });

  test.each(['', '\0\0\0\0', '        ', ' \0 \0'])('with only padding (%j) is 0', (field) => {
    expect(parse(field, 8)).toBe(0);
  });

  test('ends at a NUL', () => {
    expect(parse('17\x00zz9\0\0')).toBe(0o17);
  });

  test.each(['0000648\0', '-000001\0', '+7', '0x1f', '1 1', '0o17', '1_1'])('%j is malformed', (field) => {
    expect(parse(field)).toBeUndefined();
  });
});

describe('a base-256 field', () => {
  test.each([
    0n,
    1n,
    -1n,
    -512n,
    2n ** 53n - 1n,
    2n ** 53n,
    -(2n ** 53n) + 1n,
    -(2n ** 53n),
    2n ** 63n - 1n,
    -(2n ** 63n),
  ])('can be %d in 12 bytes', (value) => {
    const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    expect(parse(base256(value, 12))).toBe(isSafe ? Number(value) : value);
  });

  test('has 62 bits and a sign in 8 bytes', () => {
    expect(parse(base256(2n ** 62n - 1n, 8))).toBe(2n ** 62n - 1n);
    expect(parse(base256(-(2n ** 62n), 8))).toBe(-(2n ** 62n));
  });

  test.each([2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 63n) - 1n])(
    'that is too large (%d) is malformed',
    (value) => {
      expect(parse(base256(value, 12))).toBeUndefined();
    },
  );
});

describe('parseDecimal', () => {
  test.each([
    ['0', 0],
    ['42', 42],
    ['+42', 42],
    ['-42', -42],
    ['007', 7],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740992', -9007199254740992n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
    [`${'0'.repeat(1000)}5`, 5],
  ])('parses %s', (text, value) => {
    expect(parseDecimal(text)).toBe(value);
  });

  test('returns zero for minus zero', () => {
    expect(parseDecimal('-0')).toBe(0);
    expect(parseDecimal('-00000000000000000000')).toBe(0);
  });

  test.each(['', '+', '-', '--1', ' 1', '1 ', '1\n', '1.5', '1e3', '0x10', '1_000', '١'])('rejects %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });

  test.each(['9223372036854775808', '-9223372036854775809', '99999999999999999999'])(
    'rejects %s, above 64 bits',
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );

  test('takes linear time for hostile text', () => {
    expect(parseDecimal(`${'0'.repeat(1 << 20)}x`)).toBeUndefined();
    expect(parseDecimal('9'.repeat(1 << 20))).toBeUndefined();
  });
});
