import { describe, expect, test } from 'vitest';
import { FilterError } from './errors.ts';
import { parseFilters, repositoryPatterns } from './filters.ts';

/** Longest list of filters that is accepted, in characters. */
const MAX_FILTERS_LENGTH = 4096;

/** What a list of filters is refused for, as `position: problem`. */
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

describe('what is taken', () => {
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

  test('a list, spaces around its filters, and exclusions', () => {
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

describe('what is refused', () => {
  test.each([
    ['', '0: there is no filter'],
    ['a:*,,b:*', '4: there is no filter'],
    ['a:*,', '4: there is no filter'],
    ['a:*,!', '5: there is no filter'],
    ['app', '3: "app" has no tag: end it in :* for any'],
    ['*', '1: "*" has no tag: end it in :* for any'],
    [':v1', '0: there is no repository before the colon: begin with * for any'],
    ['app:', '4: there is no tag behind the colon: end in * for any'],
    ['a:*, App:v1', '5: "A" matches nothing: a repository\'s name has lower-case letters, digits, and . _ - /'],
    ['a b:v1', '1: " " matches nothing: a repository\'s name has lower-case letters, digits, and . _ - /'],
    ['app:a/b', '5: "/" matches nothing: a tag has letters, digits, and . _ -'],
    [
      'localhost:5000/app:v1',
      '14: "/" matches nothing: a tag has letters, digits, and . _ -',
      '18: ":" matches nothing: a tag has letters, digits, and . _ -',
    ],
    ['app:v!1', '5: "!" matches nothing: a tag has letters, digits, and . _ -'],
    ['app:!v1', '4: "!" matches nothing: a tag has letters, digits, and . _ -'],
    ['!!app:v1', '1: "!" matches nothing: a repository\'s name has lower-case letters, digits, and . _ - /'],
    [
      'app:v{1}',
      '5: "{" matches nothing: a tag has letters, digits, and . _ -',
      '7: "}" matches nothing: a tag has letters, digits, and . _ -',
    ],
    ['app:v]', '5: "]" matches nothing: a tag has letters, digits, and . _ -'],
    ['app:v[1', '5: the [ is not closed by a ] in the same filter'],
    [
      'app:v[1,2]',
      '5: the [ is not closed by a ] in the same filter',
      '9: "]" matches nothing: a repository\'s name has lower-case letters, digits, and . _ - /',
      '10: "2]" has no tag: end it in :* for any',
    ],
    ['app:v[]', '5: the [ is not closed by a ] in the same filter'],
    ['app:v[^1]', '5: the set begins with ^: all other characters are [!...]'],
    ['app:v[9-0]', '5: the range 9-0 runs backwards'],
    ['app:v[a:b]', '5: the set has ":": a name has letters, digits, and . _ - /'],
    [
      'app[:]v',
      '3: the set has ":": a name has letters, digits, and . _ - /',
      '7: "app[:]v" has no tag: end it in :* for any',
    ],
    ['!app:v1', '0: there are only exclusions: add what they are taken from, such as *:*'],
  ])('%s', (text, ...faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test('with every fault of every filter, and a position that people can count to', () => {
    expect(faultsOf('App:v1,ok:*,b')).toHaveLength(2);
    expect(() => parseFilters('App:v1,ok:*,b')).toThrow(
      'at character 1, "A" matches nothing: a repository\'s name has lower-case letters, digits, and . _ - /; ' +
        'at character 14, "b" has no tag: end it in :* for any',
    );
  });

  test('a text that is too long, without reading it', () => {
    expect(faultsOf(`${'a:*,'.repeat(250_000)}a:*`)).toEqual([
      '4096: the text is 1000003 characters long: at most 4096 are taken',
    ]);
  });

  test('in few words, however much is wrong', () => {
    expect(() => parseFilters(','.repeat(MAX_FILTERS_LENGTH))).toThrow(/^.{0,2000}and 4077 more$/);
    expect(() => parseFilters('['.repeat(MAX_FILTERS_LENGTH))).toThrow(/^.{0,2000}$/);
    expect(() => parseFilters('é'.repeat(MAX_FILTERS_LENGTH))).toThrow(/^.{0,5000}and 4077 more$/);
  });
});

test('no filter takes long, whatever it looks like', () => {
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
])('%s is about %j', (text, patterns) => {
  if (patterns === undefined) expect(() => parseFilters(text)).toThrow();
  else expect(repositoryPatterns(parseFilters(text))).toEqual(patterns);
});
