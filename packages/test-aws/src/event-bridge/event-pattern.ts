import { TestAwsError } from '../errors.ts';
import { isRecord } from '../http.ts';

/**
 * Whether EventBridge lets an event through a pattern.
 *
 * Known are texts, numbers, true, false and null as they are; `exists`; `anything-but` a text or several; `prefix`, `suffix`
 * and `wildcard` with a text; `$or`. Where an event has a list, one member of it is enough.
 *
 * @throws TestAwsError `PATTERN_UNSUPPORTED` where the pattern has anything else, be it in a part that does not count here.
 * @see Amazon EventBridge User Guide, "Event pattern syntax"
 */
export function matchesEventPattern(pattern: unknown, event: unknown): boolean {
  return compilePattern(pattern)(event);
}

/**
 * Whether `part`, which lies where the pattern's part is to match, is let in. `event` is the whole: whether a field is
 * absent is asked of it, not of one member of a list.
 */
type Matcher = (part: unknown, event: unknown) => boolean;

/** Compiles a whole pattern, also what no event would reach. @throws TestAwsError `PATTERN_UNSUPPORTED` */
export function compilePattern(pattern: unknown): (event: unknown) => boolean {
  const matcher = compileFields(pattern, []);
  return (event) => isRecord(event) && matcher(event, event);
}

function compileFields(pattern: unknown, path: readonly string[]): Matcher {
  if (!isRecord(pattern)) throw unsupportedAt(path, 'an object is expected');
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw unsupportedAt(path, 'nothing is asked');
  const matchers = entries.map(([name, expected]) =>
    name === '$or' ? compileOr(pattern, path) : compileField(name, expected, [...path, name]),
  );
  return (part, event) => matchers.every((matcher) => matcher(part, event));
}

function compileOr(pattern: Readonly<Record<string, unknown>>, path: readonly string[]): Matcher {
  const { $or: alternatives, ...beside } = pattern;
  if (!Array.isArray(alternatives) || alternatives.length < 2) throw unsupportedAt(path, '$or without two patterns');
  // EventBridge forgets one of two conditions on a field, within $or and beside it: nobody can mean that.
  const within = alternatives.flatMap(fieldsOf);
  const twice = fieldsOf(beside).find((field) => within.includes(field));
  if (twice !== undefined) throw unsupportedAt(path, `${twice} within $or and beside it`);
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
  if (expected.length === 0) throw unsupportedAt(path, 'a list without values');
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

/** What an event may hold at the end of a path. */
type Leaf = string | number | boolean | null;

/** One of the values that a pattern lists for a field: whether the field is there at all, or a test of what it holds. */
type ValueRule = { readonly exists: boolean } | ((leaf: Leaf) => boolean);

/** Compiles a member of a pattern's list. @throws TestAwsError `PATTERN_UNSUPPORTED` */
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

/** Whether a value has no members of its own. */
function isLeaf(value: unknown): value is Leaf {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Whatever the field holds but these texts; a number or null is none of them. */
function compileAnythingBut(operand: unknown): ValueRule {
  const texts: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (texts.length === 0 || texts.some((text) => typeof text !== 'string')) {
    throw unsupportedRule({ 'anything-but': operand });
  }
  return (leaf) => !texts.includes(leaf);
}

/**
 * Compiles a `wildcard`: `*` stands for any characters, `\*` and `\\` for themselves. Matching looks at each piece between
 * stars once, from left to right; however the wildcard is made, that takes no longer than the text is long times the pieces.
 *
 * @throws TestAwsError `PATTERN_UNSUPPORTED` where EventBridge refuses it.
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
      if (wildcard[i + 1] === '*') throw unsupportedWildcard(wildcard, 'two stars beside each other');
      pieces.push(piece);
      piece = '';
      continue;
    }
    if (character === '\\') {
      i += 1;
      character = wildcard.charAt(i);
      if (!/[*\\]/.test(character)) throw unsupportedWildcard(wildcard, 'a backslash before neither * nor \\');
    }
    piece += character;
  }
  return [...pieces, piece];
}

function unsupportedAt(path: readonly string[], what: string): TestAwsError {
  return unsupported(`${what} at ${path.join('.') || 'the top'} of the pattern`);
}

function unsupportedRule(rule: unknown): TestAwsError {
  return unsupported(`a rule that is not known here: ${JSON.stringify(rule)}`);
}

function unsupportedWildcard(wildcard: string, what: string): TestAwsError {
  return unsupported(`the wildcard ${JSON.stringify(wildcard)} has ${what}`);
}

function unsupported(message: string): TestAwsError {
  return new TestAwsError('PATTERN_UNSUPPORTED', message);
}
