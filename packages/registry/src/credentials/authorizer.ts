import type { CallOptions } from '@soci/oci';

/** What may be done in a repository. @see distribution, docs/spec/auth/scope.md */
export type RepositoryAction = 'delete' | 'pull' | 'push';

/** What a request needs to be allowed. */
export interface RepositoryScope {
  /** Such as `team/app`. */
  readonly repository: string;
  readonly actions: readonly RepositoryAction[];
}

/** Gives requests to one registry what proves who asks. */
export interface Authorizer {
  /** The `Authorization` of a request, or undefined where none is known to be wanted. */
  authorize(scope: readonly RepositoryScope[], options?: CallOptions): Promise<string | undefined>;
  /**
   * Told that the registry answered 401 to a request that carried `rejected`: forgets that, and says whether asking again
   * makes sense, {@link Authorizer.authorize} then giving something else. What was found only just now, and refused all
   * the same, is not asked for a third time.
   *
   * @param challenge - The answer's `WWW-Authenticate`, all of them joined by `, `; undefined where there was none.
   */
  reauthorize(
    scope: readonly RepositoryScope[],
    challenge: string | undefined,
    rejected: string | undefined,
    options?: CallOptions,
  ): Promise<boolean>;
  /**
   * Why {@link Authorizer.reauthorize} last said no: what was tried, and what to do about it, as a clause for the
   * message of an `AUTHENTICATION_FAILED`. Nothing in it is secret.
   */
  describeRefusal(): string;
}
