import { describe, expect, it } from 'vitest';
import { parseCount, parsePositiveSize, parseSize } from './size.ts';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['4194304', 4_194_304],
    ['4MiB', 4_194_304],
    ['4mib', 4_194_304],
    ['4 MiB', 4_194_304],
    ['4M', 4_194_304],
    ['64k', 65_536],
    ['10MB', 10_000_000],
    ['1.5GiB', 1_610_612_736],
    ['512B', 512],
  ])('parses %s as %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', '-1', '4 Mib ', '4XiB', '0x10', '1e3', '1.5', '9007199254740993', '.5MiB', 'MiB'])(
    'rejects %j',
    (text) => {
      expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID' }));
    },
  );

  it('rejects a size of 0 if it must be positive', () => {
    expect(parsePositiveSize('1')).toBe(1);
    expect(() => parsePositiveSize('0')).toThrow('at least one byte');
  });
});

describe('parseCount', () => {
  it('parses a whole number in its range', () => {
    expect(parseCount(64)('8')).toBe(8);
  });

  it.each(['0', '65', '-1', '2.5', 'all', ''])('rejects %j', (text) => {
    expect(() => parseCount(64)(text)).toThrow('whole number from 1 to 64');
  });
});
