import { describe, expect, it } from 'vitest';
import { findCycles } from './structure.ts';

describe('findCycles', () => {
  it('finds no cycle if two paths lead to the same name', () => {
    const graph = new Map([
      ['a', ['b', 'c']],
      ['b', ['d']],
      ['c', ['d']],
      ['d', []],
    ]);
    expect(findCycles(graph)).toEqual([]);
  });

  it('leaves out names that only lead to a cycle', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['b']],
    ]);
    expect(findCycles(graph)).toEqual([['b', 'c']]);
  });

  it('separates cycles', () => {
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

  it('counts a name that refers to itself as a cycle', () => {
    expect(findCycles(new Map([['a', ['a']]]))).toEqual([['a']]);
  });
});
