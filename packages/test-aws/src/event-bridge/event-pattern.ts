import { TestAwsError } from '../errors.ts';
import { isRecord } from '../http.ts';

/**
 * Returns whether an EventBridge pattern matches an event.
 *
 * Supports exact values (strings, numbers, true, false and null), `exists`, `anything-but` with one or several strings,
 * `prefix`, `suffix` and `wildcard` with a string, and `$or`. For a list in an event, one matching member suffices.
 *
 * @throws TestAwsError `PATTERN_UNSUPPORTED` if any part of the pattern is unsupported.
 * @see Amazon EventBridge User Guide, "Event pattern syntax"
 */
export function matchesEventPattern(pattern: unknown, event: unknown): boolean {
  return compilePattern(pattern)(event);
}

/**
 * Returns whether a part of a pattern matches `part`, the corresponding part of the event. `event` is the whole event: the absence
 * of a field is checked there, not in a member of a list.
 */
type Matcher = (part: unknown, event: unknown) => boolean;

/** Compiles a pattern. All its parts are validated. @throws TestAwsError `PATTERN_UNSUPPORTED` */
export function compilePattern(pattern: unknown): (event: unknown) => boolean {
  const matcher = compileFields(pattern, []);
  return (event) => isRecord(event) && matcher(event, event);
}

function compileFields(pattern: unknown, path: readonly string[]): Matcher {
  if (!isRecord(pattern)) throw unsupportedAt(path, 'expected an object');
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw unsupportedAt(path, 'expected at least one field');
  const matchers = entries.map(([name, expected]) =>
    name === '$or' ? compileOr(pattern, path) : compileField(name, expected, [...path, name]),
  );
  return (part, event) => matchers.every((matcher) => matcher(part, event));
}

function compileOr(pattern: Readonly<Record<string, unknown>>, path: readonly string[]): Matcher {
  const { $or: alternatives, ...others } = pattern;
  if (!Array.isArray(alternatives) || alternatives.length < 2)
    throw unsupportedAt(path, 'expected two patterns in $or');
  // If a field has conditions within and next to $or, EventBridge ignores one of them. Reject this.
  const within = alternatives.flatMap(fieldsOf);
  const twice = fieldsOf(others).find((field) => within.includes(field));
  if (twice !== undefined) throw unsupportedAt(path, `unexpected conditions on ${twice} within and next to $or`);
  const matchers = alternatives.map((alternative) => compileFields(alternative, path));
  return (part, event) => matchers.some((matcher) => matcher(part, event));
}

/** Returns the paths of all fields with conditions. */
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
    // One member of a list must satisfy all conditions.
    return (part, event) => membersOf(fieldOf(part, name)).some((member) => matcher(member, event));
  }
  if (expected.length === 0) throw unsupportedAt(path, 'expected at least one value');
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

/** Returns the members of a list and of nested lists. Other values are their only member. An empty list counts as absent. */
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

/** A value at the end of a path. */
type Leaf = string | number | boolean | null;

/** A condition on a field: its existence, or a test of its value. */
type ValueRule = { readonly exists: boolean } | ((leaf: Leaf) => boolean);

/** Compiles a condition. @throws TestAwsError `PATTERN_UNSUPPORTED` */
function compileValueRule(rule: unknown): ValueRule {
  if (isLeaf(rule)) return (leaf) => leaf === rule;
  const entries = isRecord(rule) ? Object.entries(rule) : [];
  const [name, operand] = entries[0] ?? [];
  if (entries.length !== 1) throw unsupportedRule(rule);
  if (name === 'exists' && typeof operand === 'boolean') return { exists: operand };
  if (name === 'anything-but') return compileAnythingBut(operand);
  if (typeof operand !== 'string') throw unsupportedRule(rule);
  if (name === 'prefix') return (leaf) => typeof leaf === 'string' && leaf.startsWith(operand);
  if (name === 'suffix') return (leaf) => typeof leaf === 'string' && leaf.endsWith(operand);
  if (name !== 'wildcard') throw unsupportedRule(rule);
  const matches = compileWildcard(operand);
  return (leaf) => typeof leaf === 'string' && matches(leaf);
}

/** Returns whether a value is neither an object nor a list. */
function isLeaf(value: unknown): value is Leaf {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Compiles `anything-but`, which also matches numbers and null. */
function compileAnythingBut(operand: unknown): ValueRule {
  const texts: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (texts.length === 0 || texts.some((text) => typeof text !== 'string')) {
    throw unsupportedRule({ 'anything-but': operand });
  }
  return (leaf) => !texts.includes(leaf);
}

/**
 * Compiles a `wildcard`: `*` matches any characters; `\*` and `\\` are escapes. Matching searches for each piece between stars
 * once, from left to right. It takes at most (length of the text × number of pieces) steps.
 *
 * @throws TestAwsError `PATTERN_UNSUPPORTED` if EventBridge rejects the wildcard.
 */
function compileWildcard(wildcard: string): (text: string) => boolean {
  const pieces = splitAtStars(wildcard);
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return (text) => text === first;
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found === -1) return false;
      at = found + piece.length;
    }
    return at <= end;
  };
}

function splitAtStars(wildcard: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (let i = 0; i < wildcard.length; i += 1) {
    let character = wildcard.charAt(i);
    if (character === '*') {
      if (wildcard[i + 1] === '*') throw unsupportedWildcard(wildcard, 'two adjacent stars');
      pieces.push(piece);
      piece = '';
      continue;
    }
    if (character === '\\') {
      i += 1;
      character = wildcard.charAt(i);
      if (!/[*\\]/.test(character)) throw unsupportedWildcard(wildcard, 'a backslash that is not followed by * or \\');
    }
    piece += character;
  }
  return [...pieces, piece];
}

function unsupportedAt(path: readonly string[], what: string): TestAwsError {
  return unsupported(`${what} at ${path.join('.') || 'the top level'} of the pattern`);
}

function unsupportedRule(rule: unknown): TestAwsError {
  return unsupported(`unsupported condition: ${JSON.stringify(rule)}`);
}

function unsupportedWildcard(wildcard: string, what: string): TestAwsError {
  return unsupported(`the wildcard ${JSON.stringify(wildcard)} has ${what}`);
}

function unsupported(message: string): TestAwsError {
  return new TestAwsError('PATTERN_UNSUPPORTED', message);
}
