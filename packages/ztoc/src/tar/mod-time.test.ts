import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModTimeFormatter, parsePaxTime } from './mod-time.ts';

describe('a PAX time', () => {
  test.each([
    ['1700000000', 1700000000, 0],
    ['1700000000.', 1700000000, 0],
    ['1700000000.25', 1700000000, 250_000_000],
    ['1.000000001', 1, 1],
    ['1.0000000019', 1, 1],
    ['+5.5', 5, 500_000_000],
    ['-1.25', -2, 750_000_000],
    ['-0.5', -1, 500_000_000],
    ['-1.0', -1, 0],
    ['-9223372036854775808.5', -(2n ** 63n) - 1n, 500_000_000],
  ])('%s is %s seconds and %d nanoseconds', (text, seconds, nanoseconds) => {
    expect(parsePaxTime(text)).toEqual({ seconds, nanoseconds });
  });

  test.each(['', '.5', '-.5', '1.5.5', '1.a', '1.-5', ' 1', '1e5', '9223372036854775808'])(
    '%j is malformed',
    (text) => {
      expect(parsePaxTime(text)).toBeUndefined();
    },
  );
});

describe('ModTimeFormatter', () => {
  test.each([
    [0, 0, '1970-01-01T00:00:00Z'],
    [1_700_000_000, 0, '2023-11-14T22:13:20Z'],
    [1_700_000_000, 120_000_000, '2023-11-14T22:13:20.12Z'],
    [1_700_000_000, 1, '2023-11-14T22:13:20.000000001Z'],
    [-1, 500_000_000, '1969-12-31T23:59:59.5Z'],
    [951_782_400, 0, '2000-02-29T00:00:00Z'],
    [-62_167_219_200, 0, '0000-01-01T00:00:00Z'],
    [253_402_300_799, 999_999_999, '9999-12-31T23:59:59.999999999Z'],
  ])('formats %d s and %d ns as %s', (seconds, nanoseconds, text) => {
    expect(new ModTimeFormatter().format(seconds, nanoseconds)).toBe(text);
  });

  test.each([-62_167_219_201, 253_402_300_800, 2n ** 63n - 1n, -(2n ** 63n)])(
    'returns an empty string for %d s, which has no four-digit year',
    (seconds) => {
      expect(new ModTimeFormatter().format(seconds, 0)).toBe('');
    },
  );

  test('agrees with Date for any second, in any order', () => {
    const formatter = new ModTimeFormatter();
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }), (seconds) => {
        const expected = new Date(seconds * 1000).toISOString().replace('.000', '');
        expect(formatter.format(seconds, 0)).toBe(expected);
      }),
      { seed: 20_261_130, numRuns: 2000 },
    );
  });

  test('does not depend on earlier calls', () => {
    const formatter = new ModTimeFormatter();
    const times = [
      [253_402_300_799, 999_999_999],
      [0, 0],
      [0, 5],
      [253_402_300_800, 0],
      [0, 5],
      [1, 5],
    ] as const;
    for (const [seconds, nanoseconds] of times) {
      expect(formatter.format(seconds, nanoseconds)).toBe(new ModTimeFormatter().format(seconds, nanoseconds));
    }
  });
});
