import { describe, expect, it } from 'vitest';
import { formatScopes, mergeScopes, splitScopes } from './scope.ts';

describe('formatScopes', () => {
  it('returns one sorted scope per repository', () => {
    const scopes = formatScopes([
      { repository: 'team/b', actions: ['push', 'pull'] },
      { repository: 'team/a', actions: ['pull'] },
      { repository: 'team/b', actions: ['delete', 'pull'] },
    ]);
    expect(scopes).toEqual(['repository:team/a:pull', 'repository:team/b:delete,pull,push']);
  });
});

describe('mergeScopes', () => {
  it.each([
    [['aws'], ['aws']],
    [
      ['registry:catalog:*', 'aws', 'aws'],
      ['aws', 'registry:catalog:*'],
    ],
    [['repository:host:5000/a:pull', 'repository:host:5000/a:push'], ['repository:host:5000/a:pull,push']],
    [[], []],
  ])('merges %j', (scopes, expected) => {
    expect(mergeScopes(scopes)).toEqual(expected);
  });
});

describe('splitScopes', () => {
  it('splits several scopes, and none', () => {
    expect(splitScopes('repository:a:pull  repository:b:pull')).toEqual(['repository:a:pull', 'repository:b:pull']);
    expect(splitScopes(undefined)).toEqual([]);
  });

  it('limits the length', () => {
    expect(splitScopes('a '.repeat(100_000)).length).toBeLessThan(2048);
  });
});
