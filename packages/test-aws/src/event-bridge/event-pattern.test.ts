import { describe, expect, test } from 'vitest';
import { matchesEventPattern } from './event-pattern.ts';

/** Conditions on the field `a`, with matching values and others; undefined means absent. */
const RULES: readonly { rules: unknown[]; matching: unknown[]; others: unknown[] }[] = [
  { rules: ['x'], matching: ['x', ['y', 'x'], [['x']]], others: ['X', 'xy', '', null, undefined, [], { x: 'x' }] },
  { rules: ['x', 'y'], matching: ['x', 'y'], others: ['z', 'xy'] },
  { rules: [''], matching: [''], others: [' ', null, undefined, []] },
  { rules: [5], matching: [5, 5.0, [1, 5]], others: ['5', 5.1, true] },
  { rules: [true], matching: [true], others: [false, 'true', 1] },
  { rules: [null], matching: [null, [null]], others: [undefined, 'null', 0, '', []] },
  { rules: [{ exists: true }], matching: ['x', '', null, 0, false, ['x']], others: [undefined, [], {}, { b: 1 }] },
  { rules: [{ exists: false }], matching: [undefined, [], {}, { b: 1 }], others: ['x', '', null, false, ['x']] },
  { rules: ['x', { exists: false }], matching: ['x', undefined], others: ['y', ''] },
  { rules: [{ 'anything-but': 'x' }], matching: ['y', '', null, 5, ['x', 'y']], others: ['x', undefined, ['x'], []] },
  { rules: [{ 'anything-but': '' }], matching: ['y', ' '], others: ['', undefined] },
  {
    rules: [{ 'anything-but': ['x', 'y'] }],
    matching: ['z', 'xy', ['x', 'z']],
    others: ['x', 'y', ['x', 'y'], undefined],
  },
  { rules: [{ prefix: 'ab' }], matching: ['ab', 'abc', ['x', 'abc']], others: ['a', 'xab', 'AB', 5, null, undefined] },
  { rules: [{ prefix: '' }], matching: ['', 'x'], others: [5, null, undefined] },
  { rules: [{ suffix: 'ab' }], matching: ['ab', 'xab'], others: ['b', 'abx', undefined] },
  {
    rules: [{ wildcard: 'a*c' }],
    matching: ['ac', 'abc', 'acc', 'a*c'],
    others: ['a', 'c', 'abcd', 'xac', undefined, 5],
  },
  { rules: [{ wildcard: '*' }], matching: ['', 'x'], others: [5, undefined] },
  { rules: [{ wildcard: 'v*.*' }], matching: ['v1.2', 'v.', 'v1.2.3'], others: ['v1', '1.2'] },
  { rules: [{ wildcard: 'ab*ab' }], matching: ['abab', 'ab-ab'], others: ['ab', 'aba', 'abb'] },
  { rules: [{ wildcard: '*b*b*' }], matching: ['bb', 'abcbd'], others: ['b', 'abc'] },
  { rules: [{ wildcard: String.raw`\*\\` }], matching: [String.raw`*\ `.trim()], others: ['a', '*', String.raw`\*\\`] },
  { rules: [{ wildcard: 'plain' }], matching: ['plain'], others: ['plainly'] },
];

describe.each(RULES)('a: $rules', ({ rules, matching, others }) => {
  test.each(matching.map((a) => ({ a })))('matches $a', (event) => {
    expect(matchesEventPattern({ a: rules }, event)).toBe(true);
  });
  test.each(others.map((a) => ({ a })))('does not match $a', (event) => {
    expect(matchesEventPattern({ a: rules }, event)).toBe(false);
  });
});

/** Patterns with several fields. */
const SHAPES: readonly { name: string; pattern: object; event: unknown; matches: boolean }[] = [
  { name: 'all fields must match', pattern: { a: [1], b: [2] }, event: { a: 1, b: 2, c: 3 }, matches: true },
  { name: 'one field differs', pattern: { a: [1], b: [2] }, event: { a: 1, b: 3 }, matches: false },
  { name: 'nested fields', pattern: { a: { b: [1] } }, event: { a: { b: 1 } }, matches: true },
  { name: 'a nested field without its parent', pattern: { a: { b: [1] } }, event: {}, matches: false },
  { name: 'a nested field of a string', pattern: { a: { length: [1] } }, event: { a: 'x' }, matches: false },
  {
    name: 'an absent nested field without its parent',
    pattern: { a: { b: [{ exists: false }] } },
    event: {},
    matches: true,
  },
  {
    name: 'an absent nested field in an empty list',
    pattern: { a: { b: [{ exists: false }] } },
    event: { a: [] },
    matches: true,
  },
  { name: 'a list of objects', pattern: { a: { b: [2] } }, event: { a: [{ b: 1 }, { b: 2 }] }, matches: true },
  {
    name: 'one object of a list must match all conditions',
    pattern: { a: { b: [1], c: [2] } },
    event: { a: [{ b: 1 }, { c: 2 }] },
    matches: false,
  },
  {
    name: 'a field that no object of a list has is absent',
    pattern: { a: { b: [{ exists: false }] } },
    event: { a: [{ b: 1 }, {}] },
    matches: false,
  },
  {
    name: 'an inherited property is absent',
    pattern: { toString: [{ exists: true }] },
    event: {},
    matches: false,
  },
  { name: '$or: the second', pattern: { $or: [{ a: [1] }, { b: [1] }] }, event: { b: 1 }, matches: true },
  { name: '$or: none', pattern: { $or: [{ a: [1] }, { b: [1] }] }, event: { c: 1 }, matches: false },
  { name: '$or next to a field', pattern: { c: [1], $or: [{ a: [1] }, { b: [1] }] }, event: { a: 1 }, matches: false },
  {
    name: '$or within a field',
    pattern: { d: { $or: [{ a: [1] }, { b: [{ exists: false }] }] } },
    event: { d: { a: 2 } },
    matches: true,
  },
  { name: 'an event that is not an object', pattern: { a: [{ exists: false }] }, event: 'text', matches: false },
];

test.each(SHAPES)('$name: $matches', ({ pattern, event, matches }) => {
  expect(matchesEventPattern(pattern, event)).toBe(matches);
});

test.each([
  undefined,
  'text',
  [],
  {},
  { a: 'x' },
  { a: [] },
  { a: {} },
  { a: [['x']] },
  { a: [{}] },
  { a: [{ numeric: ['>', 1] }] },
  { a: [{ cidr: '10.0.0.0/8' }] },
  { a: [{ 'equals-ignore-case': 'x' }] },
  { a: [{ exists: 'yes' }] },
  { a: [{ prefix: 'x', suffix: 'y' }] },
  { a: [{ prefix: { 'equals-ignore-case': 'x' } }] },
  { a: [{ 'anything-but': { prefix: 'x' } }] },
  { a: [{ 'anything-but': [] }] },
  { a: [{ 'anything-but': 5 }] },
  { a: [{ wildcard: 'a**b' }] },
  { a: [{ wildcard: String.raw`a\b` }] },
  { a: [{ wildcard: 'a\\' }] },
  { $or: [{ a: [1] }] },
  { $or: { a: [1] } },
  { a: [1], $or: [{ a: [2] }, { b: [2] }] },
  { a: { b: [1] }, $or: [{ c: [2] }, { a: { b: [2] } }] },
  { a: ['never reached'], b: { c: [{ unknown: 1 }] } },
])('rejects the unsupported pattern %o for any event', (pattern) => {
  expect(() => matchesEventPattern(pattern, {})).toThrow(expect.objectContaining({ code: 'PATTERN_UNSUPPORTED' }));
});

test('matches worst-case wildcards quickly', () => {
  const [wildcard, text] = ['a*'.repeat(500), 'a'.repeat(200_000)];
  const started = performance.now();
  expect(matchesEventPattern({ a: [{ wildcard: `${wildcard}b` }] }, { a: text })).toBe(false);
  expect(performance.now() - started).toBeLessThan(5000);
});
