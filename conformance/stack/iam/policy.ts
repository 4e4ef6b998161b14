/** A statement of a policy. What it says otherwise, such as a condition, is not known here. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

/** A policy of IAM. @see IAM User Guide, "IAM JSON policy reference" */
export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** Something that somebody does. */
export interface Call {
  /** Such as `ecr:PutImage`. */
  readonly action: string;
  /** ARN of what it is done to; `*` where the action knows none. */
  readonly resource: string;
}

const KNOWN = new Set(['Sid', 'Effect', 'Action', 'Resource']);

/**
 * Whether policies allow a call: some statement does, and none denies it.
 *
 * @throws Error where a statement has something that is not known here
 * @see IAM User Guide, "Policy evaluation logic"
 */
export function allows(policies: readonly Policy[], call: Call): boolean {
  const statements = policies.flatMap(({ Statement }) => Statement).filter((statement) => isAbout(statement, call));
  return statements.length > 0 && statements.every(({ Effect }) => Effect === 'Allow');
}

/** What policies allow and no call needs, as `ACTION on RESOURCE`. */
export function unusedPermissions(policies: readonly Policy[], calls: readonly Call[]): string[] {
  return policies
    .flatMap(({ Statement }) => Statement)
    .flatMap(({ Effect, Action, Resource }) =>
      listOf(Action).flatMap((action) =>
        listOf(Resource).map((resource): Statement => ({ Effect, Action: action, Resource: resource })),
      ),
    )
    .filter((permission) => !calls.some((call) => isAbout(permission, call)))
    .map(({ Action, Resource }) => `${Action} on ${Resource}`);
}

function isAbout(statement: Statement, { action, resource }: Call): boolean {
  const unknown = Object.keys(statement).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new Error(`the statement has ${unknown}, which is not known here`);
  return (
    // Names of actions are the same in upper and lower case, ARNs are not.
    listOf(statement.Action).some((pattern) => matchesWildcards(pattern.toLowerCase(), action.toLowerCase())) &&
    listOf(statement.Resource).some((pattern) => matchesWildcards(pattern, resource))
  );
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/**
 * Whether a text is one that a pattern of IAM stands for: `*` for any characters, also none, `?` for one.
 *
 * @see IAM User Guide, "IAM JSON policy elements: Resource"
 */
export function matchesWildcards(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}
