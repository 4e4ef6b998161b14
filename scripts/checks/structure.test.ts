import { describe, expect, it } from 'vitest';
import { findCycles } from './structure.ts';

describe('findCycles', () => {
  it('finds nothing where every arrow points down, even when paths meet again', () => {
    const graph = new Map([
      ['a', ['b', 'c']],
      ['b', ['d']],
      ['c', ['d']],
      ['d', []],
    ]);
    expect(findCycles(graph)).toEqual([]);
  });

  it('names what is in a cycle, and not what leads to it', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['b']],
    ]);
    expect(findCycles(graph)).toEqual([['b', 'c']]);
  });

  it('tells cycles apart', () => {
    const graph = new Map([
      ['a', ['b', 'c']],
      ['b', ['a']],
      ['c', ['d']],
      ['d', ['c']],
    ]);
    expect(findCycles(graph)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('takes a name that leads to itself for a cycle', () => {
    expect(findCycles(new Map([['a', ['a']]]))).toEqual([['a']]);
  });
});
