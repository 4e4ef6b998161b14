import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { wrongAnswers } from './fixtures/fnmatch-table.ts';
import { codePoints, matchGlob, parseGlob } from './glob.ts';

const matches = (pattern: string, text: string) => matchGlob(parseGlob(pattern), codePoints(text));

describe('fnmatch as Python has it', () => {
  test('answers 4,000 random pairs as CPython 3.11 did', () => {
    const table = readFileSync(new URL('fixtures/fnmatch-table.jsonl', import.meta.url), 'utf8');
    const { pairs, matching, wrong } = wrongAnswers(table);
    expect(wrong).toEqual([]);
    expect(pairs).toBe(4000);
    // The answers are of both kinds: a matcher that always says the same is found.
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

  test('empty ranges vanish with their ends, and may so bring a ! to the front', () => {
    expect(matches('[b-a]', 'a')).toBe(false);
    expect(matches('[!b-a]', 'a')).toBe(true);
    expect(matches('[b-a!x]', 'y')).toBe(true);
    expect(matches('[b-a!x]', 'x')).toBe(false);
    expect(matches('[b-a!-z]', '-')).toBe(false);
    expect(matches('[b-a!-z]', 'y')).toBe(true);
  });

  test('a hyphen behind a range is a member, and so is one at either end', () => {
    expect(['-', '5', 'b'].map((text) => matches('[a-c-9]', text))).toEqual([true, false, true]);
    expect(['-', 'a', 'b'].map((text) => matches('[-a]', text))).toEqual([true, true, false]);
    expect(['-', 'a', 'b'].map((text) => matches('[a-]', text))).toEqual([true, true, false]);
    expect(['-', 'A', 'b'].map((text) => matches('[!--a]', text))).toEqual([false, false, true]);
  });

  test('a pattern that would take a backtracking expression for ever is answered at once', () => {
    const text = `${'a'.repeat(4000)}b`;
    expect(matches(`${'*a'.repeat(1000)}c`, text)).toBe(false);
    expect(matches(`${'*[!b]'.repeat(1000)}*b`, text)).toBe(true);
  });
});
