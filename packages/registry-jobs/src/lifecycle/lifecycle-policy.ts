import { RegistryJobsError } from '../errors.ts';

/** A rule of a lifecycle policy of Amazon ECR. Unknown fields are kept. */
export interface LifecycleRule {
  /** Rules are evaluated in ascending order. */
  readonly rulePriority: number;
  readonly description?: string;
  readonly selection: {
    readonly tagStatus: 'tagged' | 'untagged' | 'any';
    /** An image must have a tag for each pattern. `*` matches any characters. */
    readonly tagPatternList?: readonly string[];
    /** An image must have a tag for each prefix. */
    readonly tagPrefixList?: readonly string[];
    /** Such as `imageCountMoreThan` and `sinceImagePushed`. */
    readonly countType: string;
    readonly countUnit?: string;
    readonly countNumber: number;
  };
  readonly action: { readonly type: string; readonly targetStorageClass?: string };
}

/** A lifecycle policy. @see Amazon ECR User Guide, "Lifecycle policy properties" */
export interface LifecyclePolicy {
  readonly rules: readonly LifecycleRule[];
}

/** Maximum length of a policy in characters. @see Amazon ECR API Reference, PutLifecyclePolicy */
const MAX_LENGTH = 30_720;

/**
 * Parses a lifecycle policy: the policy itself, or the output of `aws ecr get-lifecycle-policy`.
 *
 * @param name - Name of the policy, for error messages.
 * @throws RegistryJobsError `POLICY_INVALID`
 */
export function parseLifecyclePolicy(text: string, name: string): LifecyclePolicy {
  const fail = (problem: string) => new RegistryJobsError('POLICY_INVALID', `${name}: ${problem}`);
  if (text.length > 2 * MAX_LENGTH) throw fail(`it has more than ${MAX_LENGTH} characters, the maximum of a policy`);
  let policy: unknown;
  try {
    policy = JSON.parse(text);
    const { lifecyclePolicyText } = policy as { lifecyclePolicyText?: unknown };
    if (typeof lifecyclePolicyText === 'string') policy = JSON.parse(lifecyclePolicyText);
  } catch {
    throw fail('it is not valid JSON');
  }
  const { rules } = (policy ?? {}) as { rules?: unknown };
  if (!Array.isArray(rules)) throw fail('it has no list "rules"');
  for (const [index, rule] of rules.entries()) {
    if (!isRule(rule)) throw fail(`rules[${index}] is not a rule of a lifecycle policy`);
  }
  return { rules: (rules as LifecycleRule[]).toSorted((a, b) => a.rulePriority - b.rulePriority) };
}

function isRule(value: unknown): value is LifecycleRule {
  const { rulePriority, selection, action } = (value ?? {}) as Record<string, unknown>;
  const { tagStatus, countType, countNumber, ...lists } = (selection ?? {}) as Record<string, unknown>;
  const isList = (list: unknown) =>
    list === undefined || (Array.isArray(list) && list.every((each) => typeof each === 'string' && each.length <= 128));
  return (
    Number.isSafeInteger(rulePriority) &&
    (tagStatus === 'tagged' || tagStatus === 'untagged' || tagStatus === 'any') &&
    typeof countType === 'string' &&
    Number.isSafeInteger(countNumber) &&
    isList(lists.tagPatternList) &&
    isList(lists.tagPrefixList) &&
    typeof (action as { type?: unknown } | undefined)?.type === 'string'
  );
}

/** Returns whether a rule selects an image with these tags: each pattern, or each prefix, needs a tag. */
export function selectsTags({ selection }: LifecycleRule, tags: readonly string[]): boolean {
  const { tagStatus, tagPatternList = [], tagPrefixList = [] } = selection;
  if (tagStatus === 'any') return true;
  if (tagStatus === 'untagged') return tags.length === 0;
  return (
    tags.length > 0 &&
    tagPatternList.every((pattern) => tags.some((tag) => matchesPattern(pattern, tag))) &&
    tagPrefixList.every((prefix) => tags.some((tag) => tag.startsWith(prefix)))
  );
}

/** Matches a pattern with `*`. Takes at most (length of the pattern x length of the tag) steps. */
function matchesPattern(pattern: string, tag: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return pattern === tag;
  if (!tag.startsWith(first) || !tag.endsWith(last)) return false;
  let at = first.length;
  for (const part of others) {
    const found = tag.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= tag.length - last.length;
}
