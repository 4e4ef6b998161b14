/** A statement of a policy. Other elements are not supported. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  /** Only `ArnLike`: each key must have a value that matches one of the patterns. */
  readonly Condition?: { readonly ArnLike: Readonly<Record<string, string | readonly string[]>> };
}

/** An IAM policy. @see IAM User Guide, "IAM JSON policy reference" */
export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** A call of an AWS API. */
export interface Call {
  /** Such as `ecr:PutImage`. */
  readonly action: string;
  /** ARN of the resource. `*` if the action does not support resources. */
  readonly resource: string;
  /** Values of condition keys. @default none */
  readonly context?: Readonly<Record<string, string>>;
}

const KNOWN = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Condition']);

/**
 * Reports whether policies allow a call: a statement allows it, and none denies it.
 *
 * @throws Error if a statement has an unsupported element.
 * @see IAM User Guide, "Policy evaluation logic"
 */
export function allows(policies: readonly Policy[], call: Call): boolean {
  const statements = policies.flatMap(({ Statement }) => Statement).filter((statement) => isAbout(statement, call));
  return statements.length > 0 && statements.every(({ Effect }) => Effect === 'Allow');
}

/** Returns permissions that no call needs, as `ACTION on RESOURCE`. */
export function unusedPermissions(policies: readonly Policy[], calls: readonly Call[]): string[] {
  return policies
    .flatMap(({ Statement }) => Statement)
    .flatMap((statement) =>
      listOf(statement.Action).flatMap((Action) =>
        listOf(statement.Resource).map((Resource): Statement => ({ ...statement, Action, Resource })),
      ),
    )
    .filter((permission) => !calls.some((call) => isAbout(permission, call)))
    .map(({ Action, Resource }) => `${Action} on ${Resource}`);
}

function isAbout(statement: Statement, { action, resource, context = {} }: Call): boolean {
  const unknown = Object.keys(statement).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new Error(`the statement has ${unknown}, which is not supported`);
  const { ArnLike = {}, ...others } = statement.Condition ?? {};
  if (Object.keys(others).length > 0) throw new Error(`the condition ${Object.keys(others)} is not supported`);
  for (const [key, patterns] of Object.entries(ArnLike)) {
    const value = context[key];
    if (value === undefined || !listOf(patterns).some((pattern) => matchesWildcards(pattern, value))) return false;
  }
  return (
    // Names of actions are case-insensitive, ARNs are not.
    listOf(statement.Action).some((pattern) => matchesWildcards(pattern.toLowerCase(), action.toLowerCase())) &&
    listOf(statement.Resource).some((pattern) => matchesWildcards(pattern, resource))
  );
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/**
 * Reports whether a string matches an IAM pattern: `*` for any characters, `?` for one.
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
