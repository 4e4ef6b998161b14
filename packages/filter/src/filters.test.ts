import { describe, expect, test } from 'vitest';
import { FilterError } from './errors.ts';
import { parseFilters, repositoryPatterns } from './filters.ts';

/** Maximum length of a list of filters, in characters. */
const MAX_FILTERS_LENGTH = 4096;

/** Returns the faults of a list of filters, as `position: problem`. */
function faultsOf(text: string): string[] {
  try {
    parseFilters(text);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    expect(error.code).toBe('FILTERS_INVALID');
    return error.faults.map(({ position, problem }) => `${position}: ${problem}`);
  }
  return [];
}

describe('accepts', () => {
  test.each([
    ['*:*', 'team/app:v1', true],
    ['*:*', 'app:', true],
    ['app:*', 'app:v1', true],
    ['app:*', 'team/app:v1', false],
    ['prod*:latest', 'prod/team/app:latest', true],
    ['prod*:latest', 'prod/team/app:v1', false],
    ['*/app:v?.[0-9]', 'team/app:v1.2', true],
    ['*/app:v?.[!0-9]', 'team/app:v1.2', false],
    ['app:V*', 'app:V2', true],
    ['app:V*', 'app:v2', false],
    ['team__a/app:*', 'team__a/app:v1', true],
    ['a[/.]b:*', 'a/b:v1', true],
  ])('%s and %s: %s', (filter, image, expected) => {
    expect(parseFilters(filter).include[0]?.matches(image)).toBe(expected);
  });

  test('a list with spaces and exclusions', () => {
    const { include, exclude } = parseFilters(' app:* ,!*:*-dev,\n*/base:v[0-9] , !app:tmp');
    expect(include.map(({ text }) => text)).toEqual(['app:*', '*/base:v[0-9]']);
    expect(exclude.map(({ text }) => text)).toEqual(['*:*-dev', 'app:tmp']);
  });

  test('the longest list', () => {
    const text = Array.from({ length: 1024 }, () => 'a:*').join(',');
    expect(parseFilters(`${text} `).include).toHaveLength(1024);
    expect(`${text} `).toHaveLength(MAX_FILTERS_LENGTH);
  });
});

describe('rejects', () => {
  test.each([
    ['', '0: the filter is empty'],
    ['a:*,,b:*', '4: the filter is empty'],
    ['a:*,', '4: the filter is empty'],
    ['a:*,!', '5: the filter is empty'],
    ['app', '3: "app" has no tag: append :* to match any tag'],
    ['*', '1: "*" has no tag: append :* to match any tag'],
    [':v1', '0: the repository before the colon is missing: use * to match any repository'],
    ['app:', '4: the tag after the colon is missing: use * to match any tag'],
    ['a:*, App:v1', '5: "A" is not allowed: a repository name consists of lower-case letters, digits, and . _ - /'],
    ['a b:v1', '1: " " is not allowed: a repository name consists of lower-case letters, digits, and . _ - /'],
    ['app:a/b', '5: "/" is not allowed: a tag consists of letters, digits, and . _ -'],
    [
      'localhost:5000/app:v1',
      '14: "/" is not allowed: a tag consists of letters, digits, and . _ -',
      '18: ":" is not allowed: a tag consists of letters, digits, and . _ -',
    ],
    ['app:v!1', '5: "!" is not allowed: a tag consists of letters, digits, and . _ -'],
    ['app:!v1', '4: "!" is not allowed: a tag consists of letters, digits, and . _ -'],
    ['!!app:v1', '1: "!" is not allowed: a repository name consists of lower-case letters, digits, and . _ - /'],
    [
      'app:v{1}',
      '5: "{" is not allowed: a tag consists of letters, digits, and . _ -',
      '7: "}" is not allowed: a tag consists of letters, digits, and . _ -',
    ],
    ['app:v]', '5: "]" is not allowed: a tag consists of letters, digits, and . _ -'],
    ['app:v[1', '5: the [ has no closing ] in the same filter'],
    [
      'app:v[1,2]',
      '5: the [ has no closing ] in the same filter',
      '9: "]" is not allowed: a repository name consists of lower-case letters, digits, and . _ - /',
      '10: "2]" has no tag: append :* to match any tag',
    ],
    ['app:v[]', '5: the [ has no closing ] in the same filter'],
    ['app:v[^1]', '5: the set begins with ^: use [!...] to negate a set'],
    ['app:v[9-0]', '5: the range 9-0 is reversed'],
    ['app:v[a:b]', '5: the set contains ":": a name consists of letters, digits, and . _ - /'],
    [
      'app[:]v',
      '3: the set contains ":": a name consists of letters, digits, and . _ - /',
      '7: "app[:]v" has no tag: append :* to match any tag',
    ],
    ['!app:v1', '0: there are only exclusions: add a filter that includes images, such as *:*'],
  ])('%s', (text, ...faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test('with all faults of all filters, and one-based positions in the message', () => {
    expect(faultsOf('App:v1,ok:*,b')).toHaveLength(2);
    expect(() => parseFilters('App:v1,ok:*,b')).toThrow(
      'at character 1, "A" is not allowed: a repository name consists of lower-case letters, digits, and . _ - /; ' +
        'at character 14, "b" has no tag: append :* to match any tag',
    );
  });

  test('a string that is too long, without parsing it', () => {
    expect(faultsOf(`${'a:*,'.repeat(250_000)}a:*`)).toEqual([
      '4096: the text has 1000003 characters: the maximum is 4096',
    ]);
  });

  test('with a short message for any number of faults', () => {
    expect(() => parseFilters(','.repeat(MAX_FILTERS_LENGTH))).toThrow(/^.{0,2000}and 4077 more$/);
    expect(() => parseFilters('['.repeat(MAX_FILTERS_LENGTH))).toThrow(/^.{0,2000}$/);
    expect(() => parseFilters('é'.repeat(MAX_FILTERS_LENGTH))).toThrow(/^.{0,5000}and 4077 more$/);
  });
});

test('matches worst-case filters quickly', () => {
  const image = `${'a'.repeat(256)}:${'a'.repeat(128)}`;
  const worst = parseFilters(`${'*a'.repeat(2000)}b:*`);
  expect(worst.include[0]?.matches(image)).toBe(false);
  const many = parseFilters(`!*:*b,${'*a*a*b:*,'.repeat(450)}*:*c`);
  expect(many.include.some(({ matches }) => matches(image))).toBe(false);
});

test.each([
  ['*:*', ['*']],
  ['app:latest', ['app']],
  ['prod*:latest, dev:*', ['prod*', 'dev']],
  ['team/app:v1, team/app:v2', ['team/app']],
  ['app:*, *:latest', ['*']],
  ['prod/*:*, prod/app:*, prod/a*:v1', ['prod/*']],
  ['app-[0-9][!a]:*', ['app-??']],
  ['app?:*, app1:*', ['app?']],
  ['app?:*, app*:v1', ['app*']],
  ['a?:*, a*b:*', ['a?', 'a*b']],
  ['[:a]pp:*', undefined],
  ['*:*, !prod/*:*', ['*']],
  ['app:*, !app:dev', ['app']],
  ['a*:*, *a:*', ['a*', '*a']],
  ['**:*, *:v1', ['*']],
])('the repository patterns of %s are %j', (text, patterns) => {
  if (patterns === undefined) expect(() => parseFilters(text)).toThrow();
  else expect(repositoryPatterns(parseFilters(text))).toEqual(patterns);
});
