import { TestAwsError } from '../errors.ts';
import { isRecord } from '../http/json-text.ts';
import { compileValueRule, isLeaf, type Leaf } from './value-rule.ts';

/**
 * Whether a part of an event is let in.
 *
 * @param part - What lies where the pattern's part is to match.
 * @param event - The whole: whether a field is absent is asked of it, not of one member of a list.
 */
type Matcher = (part: unknown, event: unknown) => boolean;

/** Compiles a whole pattern, also what no event would reach. @throws TestAwsError `PATTERN_UNSUPPORTED` */
export function compilePattern(pattern: unknown): (event: unknown) => boolean {
  const matcher = compileFields(pattern, []);
  return (event) => isRecord(event) && matcher(event, event);
}

function compileFields(pattern: unknown, path: readonly string[]): Matcher {
  if (!isRecord(pattern)) throw unsupported(path, 'an object is expected');
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw unsupported(path, 'nothing is asked');
  const matchers = entries.map(([name, expected]) =>
    name === '$or' ? compileOr(pattern, path) : compileField(name, expected, [...path, name]),
  );
  return (part, event) => matchers.every((matcher) => matcher(part, event));
}

function compileOr(pattern: Readonly<Record<string, unknown>>, path: readonly string[]): Matcher {
  const { $or: alternatives, ...beside } = pattern;
  if (!Array.isArray(alternatives) || alternatives.length < 2) throw unsupported(path, '$or without two patterns');
  // EventBridge forgets one of two conditions on a field, within $or and beside it: nobody can mean that.
  const within = alternatives.flatMap(fieldsOf);
  const twice = fieldsOf(beside).find((field) => within.includes(field));
  if (twice !== undefined) throw unsupported(path, `${twice} within $or and beside it`);
  const matchers = alternatives.map((alternative) => compileFields(alternative, path));
  return (part, event) => matchers.some((matcher) => matcher(part, event));
}

/** The paths that a pattern has conditions on. */
function fieldsOf(pattern: unknown): string[] {
  if (!isRecord(pattern)) return [];
  return Object.entries(pattern).flatMap(([name, expected]) => {
    if (name === '$or') return Array.isArray(expected) ? expected.flatMap(fieldsOf) : [];
    return Array.isArray(expected) ? [name] : fieldsOf(expected).map((field) => `${name}.${field}`);
  });
}

function compileField(name: string, expected: unknown, path: readonly string[]): Matcher {
  if (!Array.isArray(expected)) {
    const matcher = compileFields(expected, path);
    // All that is asked of the members of a list, one member must fulfil.
    return (part, event) => membersOf(fieldOf(part, name)).some((member) => matcher(member, event));
  }
  if (expected.length === 0) throw unsupported(path, 'a list without values');
  const rules = expected.map(compileValueRule);
  return (part, event) =>
    rules.some((rule) => {
      if (typeof rule === 'function') return leavesOf(fieldOf(part, name)).some(rule);
      return rule.exists ? leavesOf(fieldOf(part, name)).length > 0 : leavesAt(event, path).length === 0;
    });
}

function fieldOf(part: unknown, name: string): unknown {
  return isRecord(part) && Object.hasOwn(part, name) ? part[name] : undefined;
}

/** The members of a list, and of lists in it. What is no list is its own member; an empty list is as good as none. */
function membersOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return [value];
  const members: unknown[] = value.flat(Number.POSITIVE_INFINITY);
  return members.length > 0 ? members : [undefined];
}

function leavesOf(value: unknown): Leaf[] {
  return membersOf(value).filter(isLeaf);
}

function leavesAt(value: unknown, path: readonly string[]): Leaf[] {
  const [name, ...rest] = path;
  if (name === undefined) return leavesOf(value);
  return membersOf(value).flatMap((member) => leavesAt(fieldOf(member, name), rest));
}

function unsupported(path: readonly string[], what: string): TestAwsError {
  return new TestAwsError('PATTERN_UNSUPPORTED', `${what} at ${path.join('.') || 'the top'} of the pattern`);
}
