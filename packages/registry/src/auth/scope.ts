/** An action on a repository. @see distribution, docs/spec/auth/scope.md */
export type RepositoryAction = 'delete' | 'pull' | 'push';

/** Permissions that a request requires. */
export interface RepositoryScope {
  /** Name of the repository, such as `team/app`. */
  readonly repository: string;
  readonly actions: readonly RepositoryAction[];
}

/** Maximum length of the scopes in a challenge, in characters. */
const MAX_SCOPE_LENGTH = 2048;

/** Returns the scope of an action. Registries also require `pull` for the other actions. */
export function scopeFor(repository: string, action: RepositoryAction): readonly RepositoryScope[] {
  return [{ repository, actions: action === 'pull' ? ['pull'] : ['pull', action] }];
}

/** Formats scopes for a token service: `repository:team/app:pull,push`, sorted, one per repository. */
export function formatScopes(scopes: readonly RepositoryScope[]): readonly string[] {
  return mergeScopes(scopes.map(({ repository, actions }) => `repository:${repository}:${actions.join(',')}`));
}

/** Splits the space-separated `scope` of a challenge. */
export function splitScopes(text: string | undefined): readonly string[] {
  return (text ?? '').slice(0, MAX_SCOPE_LENGTH).split(' ').filter(Boolean);
}

/**
 * Merges scopes: combines the actions of the same resource. Scopes that do not have the form `type:name:actions`, such as
 * `aws` of ECR Public, are kept unchanged.
 *
 * @see distribution, docs/spec/auth/scope.md
 */
export function mergeScopes(scopes: readonly string[]): readonly string[] {
  const merged = new Map<string, Set<string>>();
  for (const scope of scopes) {
    // The name may contain the colon of a port.
    const [, resource = scope, actions = ''] = /^([^:]+:.+):([^:]*)$/.exec(scope) ?? [];
    const all = merged.get(resource) ?? new Set();
    for (const action of actions.split(',').filter(Boolean)) all.add(action);
    merged.set(resource, all);
  }
  return [...merged]
    .map(([resource, actions]) => [resource, [...actions].sort().join(',')].filter(Boolean).join(':'))
    .sort();
}
