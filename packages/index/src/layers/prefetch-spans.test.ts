import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cleanPrefetchPath, joinSpans } from './prefetch-spans.ts';

it.each([
  ['/etc/passwd', 'etc/passwd'],
  ['etc//./passwd', 'etc/passwd'],
  ['../../etc/passwd/', 'etc/passwd'],
  ['/', ''],
])('normalizes %s to %s', (path, name) => {
  expect(cleanPrefetchPath(path)).toBe(name);
});

it('merges ranges that overlap or are adjacent', () => {
  const spans = [
    { start: 7, end: 9 },
    { start: 0, end: 1 },
    { start: 2, end: 2 },
    { start: 8, end: 8 },
  ];
  expect(joinSpans(spans)).toEqual([
    { start: 0, end: 2 },
    { start: 7, end: 9 },
  ]);
});

it('keeps the same spans, in disjoint and sorted ranges', () => {
  const span = fc.tuple(fc.nat(30), fc.nat(5)).map(([start, length]) => ({ start, end: start + length }));
  const covered = (spans: readonly { start: number; end: number }[]) =>
    new Set(spans.flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, i) => start + i)));
  fc.assert(
    fc.property(fc.array(span), (spans) => {
      const joined = joinSpans(spans);
      expect([...covered(joined)]).toEqual([...covered(spans)].sort((a, b) => a - b));
      for (const [i, { start }] of joined.entries()) expect(start).toBeGreaterThan((joined[i - 1]?.end ?? -2) + 1);
    }),
  );
});
