import { describe, expect, it } from 'vitest';
import { drawBar, formatBytes, formatPercent, formatSeconds, pluralize, shortDigest } from './quantity.ts';

describe('formatting quantities', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [37_376, '36.5 KiB'],
    [4 << 20, '4 MiB'],
    [109_051_904, '104 MiB'],
    [1024 * 1024 - 1, '1 MiB'],
    [2 ** 53, '8192 TiB'],
  ])('formats %i bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0.00 s'],
    [0.042, '0.04 s'],
    [0.999, '1.0 s'],
    [3.24, '3.2 s'],
    [59.96, '1 min 00 s'],
    [125.2, '2 min 05 s'],
  ])('formats %d seconds as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it.each([
    [1, 2, '50 %'],
    [1, 250, '0.4 %'],
    [1, 48_000, '0.0021 %'],
    [0, 5, '0 %'],
    [5, 5, '100 %'],
    [0, 0, '0 %'],
  ])('formats %d of %d as %s', (part, whole, text) => {
    expect(formatPercent(part, whole)).toBe(text);
  });

  it('uses singular and plural', () => {
    expect([pluralize(1, 'layer'), pluralize(12_345, 'file'), pluralize(0, 'entry', 'entries')]).toEqual([
      '1 layer',
      '12,345 files',
      '0 entries',
    ]);
  });

  it('shortens a digest to twelve digits', () => {
    expect(shortDigest(`sha256:${'0709e246a1d1'.padEnd(64, '7')}`)).toBe('sha256:0709e246a1d1');
  });
});

describe('drawBar', () => {
  it.each([
    [0, 10, '░░░░'],
    [1, 1000, '▏░░░'],
    [5, 10, '██░░'],
    [9, 16, '██▎░'],
    [10, 10, '████'],
    [11, 10, '████'],
  ])('draws %d of %d in four cells as %s', (part, whole, bar) => {
    expect(drawBar(part, whole, 4)).toBe(bar);
  });
});
