import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compareWithTable } from './fixtures/fnmatch-table.ts';
import { codePoints, matchGlob, parseGlob } from './glob.ts';

const matches = (pattern: string, text: string) => matchGlob(parseGlob(pattern), codePoints(text));

describe('matchGlob', () => {
  test('agrees with CPython 3.11 on 4,000 random pairs', () => {
    const table = readFileSync(new URL('fixtures/fnmatch-table.jsonl', import.meta.url), 'utf8');
    const { pairs, matching, wrong } = compareWithTable(table);
    expect(wrong).toEqual([]);
    expect(pairs).toBe(4000);
    // The table has enough results of both kinds to detect a matcher that is always right or always wrong.
    expect(matching / pairs).toBeGreaterThan(0.3);
    expect(matching / pairs).toBeLessThan(0.7);
  });

  test.each([
    ['*', 'anything/with:all', true],
    ['prod/*:latest', 'prod/team/app:latest', true],
    ['prod/?:latest', 'prod//:latest', true],
    ['app:v[0-9]', 'app:v7', true],
    ['app:v[!0-9]', 'app:v7', false],
    ['app:V1', 'app:v1', false],
    ['app:v1', 'app:v1-soci', false],
    ['[]]', ']', true],
    ['[', '[', true],
    ['a?c', 'a😀c', true],
    ['', '', true],
  ])('%s and %s: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  test('removes an empty range with its ends, which can move a ! to the front', () => {
    expect(matches('[b-a]', 'a')).toBe(false);
    expect(matches('[!b-a]', 'a')).toBe(true);
    expect(matches('[b-a!x]', 'y')).toBe(true);
    expect(matches('[b-a!x]', 'x')).toBe(false);
    expect(matches('[b-a!-z]', '-')).toBe(false);
    expect(matches('[b-a!-z]', 'y')).toBe(true);
  });

  test('treats a hyphen after a range and at either end as a member', () => {
    expect(['-', '5', 'b'].map((text) => matches('[a-c-9]', text))).toEqual([true, false, true]);
    expect(['-', 'a', 'b'].map((text) => matches('[-a]', text))).toEqual([true, true, false]);
    expect(['-', 'a', 'b'].map((text) => matches('[a-]', text))).toEqual([true, true, false]);
    expect(['-', 'A', 'b'].map((text) => matches('[!--a]', text))).toEqual([false, false, true]);
  });

  test('matches patterns quickly that would make a regular expression backtrack', () => {
    const text = `${'a'.repeat(4000)}b`;
    expect(matches(`${'*a'.repeat(1000)}c`, text)).toBe(false);
    expect(matches(`${'*[!b]'.repeat(1000)}*b`, text)).toBe(true);
  });
});
