import { expect, it } from 'vitest';
import { sortBySimilarity } from './similar-tags.ts';

it.each([
  ['v2-soci', ['latest', 'v1', 'v1-soci', 'v2'], ['v1-soci', 'v2', 'v1', 'latest']],
  ['1.10.1', ['1.10.0', '1.9.9', '2.0.0'], ['1.10.0', '1.9.9', '2.0.0']],
  // Of equally similar tags, the later one comes first.
  ['a', ['b', 'c'], ['c', 'b']],
  ['', ['b', 'c'], ['c', 'b']],
])('sorts tags by similarity to %j', (name, others, ordered) => {
  expect(sortBySimilarity(name, others)).toEqual(ordered);
});
