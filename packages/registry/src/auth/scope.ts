/** What may be done in a repository. @see distribution, docs/spec/auth/scope.md */
export type RepositoryAction = 'delete' | 'pull' | 'push';

/** What a request needs to be allowed. */
export interface RepositoryScope {
  /** Such as `team/app`. */
  readonly repository: string;
  readonly actions: readonly RepositoryAction[];
}

/** Characters of the scopes that a challenge may add to a token request. */
const MAX_SCOPE_LENGTH = 2048;

/** What a request needs to be allowed for one action; registries want reading with the others. */
export function scopeFor(repository: string, action: RepositoryAction): readonly RepositoryScope[] {
  return [{ repository, actions: action === 'pull' ? ['pull'] : ['pull', action] }];
}

/** Writes scopes as token services read them: `repository:team/app:pull,push`, sorted, one for each repository. */
export function formatScopes(scopes: readonly RepositoryScope[]): readonly string[] {
  return mergeScopes(scopes.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`));
}

/** Reads the `scope` of a challenge: several are parted by blanks. */
export function splitScopes(text: string | undefined): readonly string[] {
  return (text ?? '').slice(0, MAX_SCOPE_LENGTH).split(' ').filter(Boolean);
}

/**
 * Puts scopes together: those of one resource become one with the actions of all. What is not `type:name:actions`, such
 * as ECR Public's `aws`, stays as it is.
 *
 * @see distribution, docs/spec/auth/scope.md
 */
export function mergeScopes(scopes: readonly string[]): readonly string[] {
  const merged = new Map<string, Set<string>>();
  for (const scope of scopes) {
    // The name may hold a colon, of a port.
    const [, resource = scope, actions = ''] = /^([^:]+:.+):([^:]*)$/.exec(scope) ?? [];
    const all = merged.get(resource) ?? new Set();
    for (const action of actions.split(',').filter(Boolean)) all.add(action);
    merged.set(resource, all);
  }
  return [...merged]
    .map(([resource, actions]) => [resource, [...actions].sort().join(',')].filter(Boolean).join(':'))
    .sort();
}
