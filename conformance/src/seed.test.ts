import { describe, expect, it } from 'vitest';
import { randomImageCase } from './image/image-case.ts';
import { randomLayerCase } from './layer/layer-case.ts';
import { chooseSeed, formatCaseName, parseCaseName } from './seed.ts';

describe('chooseSeed', () => {
  it('derives the seed from the commit', () => {
    expect(chooseSeed(undefined, '0123abcdef')).toBe(0x0123abc);
    expect(chooseSeed(undefined, '0123abcfff')).toBe(0x0123abc);
    expect(chooseSeed(undefined, 'fffffff000')).toBe(2 ** 28 - 1);
  });

  it('uses the given seed', () => {
    expect(chooseSeed('7', '0123abcdef')).toBe(7);
  });

  it.each(['', '-1', '1.5', '0x10', 'seven', String(2 ** 28)])('rejects %j', (text) => {
    expect(() => chooseSeed(text)).toThrow(`invalid seed ${text}`);
  });
});

describe('a seed and a number', () => {
  it('always make the same layer and the same image', () => {
    const programs = ['gzip', 'pigz'] as const;
    expect(randomLayerCase(7, 123, programs)).toEqual(randomLayerCase(7, 123, programs));
    expect(randomLayerCase(7, 123, programs)).not.toEqual(randomLayerCase(8, 123, programs));
    expect(randomImageCase(7, 4)).toEqual(randomImageCase(7, 4));
    expect(randomImageCase(7, 4)).not.toEqual(randomImageCase(7, 5));
  });

  it('are in the name of a case', () => {
    for (const name of ['7-123', '268435455-image-4']) expect(formatCaseName(parseCaseName(name))).toBe(name);
    expect(parseCaseName('7-image-4')).toEqual({ kind: 'image', seed: 7, number: 4 });
  });

  it.each(['', '7', '7-', 'x-1', '7-layer-1', '../7-1'])('are not in the name %j', (name) => {
    expect(() => parseCaseName(name)).toThrow(`invalid case name ${name}`);
  });
});
