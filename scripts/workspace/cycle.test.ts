import { describe, expect, it } from 'vitest';
import { findCycle } from './cycle.ts';

describe('findCycle', () => {
  it('finds nothing where every arrow points down, even when paths meet again', () => {
    const graph = new Map([
      ['a', ['b', 'c']],
      ['b', ['d']],
      ['c', ['d']],
      ['d', []],
    ]);
    expect(findCycle(graph)).toBeNull();
  });

  it('names the files of a cycle, from the first back to it', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['b']],
    ]);
    expect(findCycle(graph)).toEqual(['b', 'c', 'b']);
  });

  it('takes a file that imports itself for a cycle', () => {
    expect(findCycle(new Map([['a', ['a']]]))).toEqual(['a', 'a']);
  });
});
