import { describe, expect, test } from 'vitest';
import { parseDecimal } from './decimal.ts';

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
  ])('reads %s', (text, value) => {
    expect(parseDecimal(text)).toBe(value);
  });

  test('knows no minus zero', () => {
    expect(parseDecimal('-0')).toBe(0);
    expect(parseDecimal('-00000000000000000000')).toBe(0);
  });

  test.each(['', '+', '-', '--1', ' 1', '1 ', '1\n', '1.5', '1e3', '0x10', '1_000', '١'])('refuses %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });

  test.each(['9223372036854775808', '-9223372036854775809', '99999999999999999999'])(
    'refuses %s, beyond 64 bits',
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );

  test('takes time in proportion to hostile text', () => {
    expect(parseDecimal(`${'0'.repeat(1 << 20)}x`)).toBeUndefined();
    expect(parseDecimal('9'.repeat(1 << 20))).toBeUndefined();
  });
});
