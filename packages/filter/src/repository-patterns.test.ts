import { expect, test } from 'vitest';
import { parseFilters } from './filters.ts';
import { repositoryPatterns } from './repository-patterns.ts';

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
