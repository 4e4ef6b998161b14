import { TestAwsError } from '../errors.ts';
import { isRecord } from '../http/json-text.ts';
import { compileWildcard } from './wildcard.ts';

/** What an event may hold at the end of a path. */
export type Leaf = string | number | boolean | null;

/** One of the values that a pattern lists for a field: whether the field is there at all, or a test of what it holds. */
export type ValueRule = { readonly exists: boolean } | ((leaf: Leaf) => boolean);

/** Compiles a member of a pattern's list. @throws TestAwsError `PATTERN_UNSUPPORTED` */
export function compileValueRule(rule: unknown): ValueRule {
  if (isLeaf(rule)) return (leaf) => leaf === rule;
  const entries = isRecord(rule) ? Object.entries(rule) : [];
  const [name, operand] = entries[0] ?? [];
  if (entries.length !== 1) throw unsupported(rule);
  if (name === 'exists' && typeof operand === 'boolean') return { exists: operand };
  if (name === 'anything-but') return compileAnythingBut(operand);
  if (typeof operand !== 'string') throw unsupported(rule);
  if (name === 'prefix') return (leaf) => typeof leaf === 'string' && leaf.startsWith(operand);
  if (name === 'suffix') return (leaf) => typeof leaf === 'string' && leaf.endsWith(operand);
  if (name !== 'wildcard') throw unsupported(rule);
  const matches = compileWildcard(operand);
  return (leaf) => typeof leaf === 'string' && matches(leaf);
}

/** Whether a value has no members of its own. */
export function isLeaf(value: unknown): value is Leaf {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Whatever the field holds but these texts; a number or null is none of them. */
function compileAnythingBut(operand: unknown): ValueRule {
  const texts: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (texts.length === 0 || texts.some((text) => typeof text !== 'string')) {
    throw unsupported({ 'anything-but': operand });
  }
  return (leaf) => !texts.includes(leaf);
}

function unsupported(rule: unknown): TestAwsError {
  return new TestAwsError('PATTERN_UNSUPPORTED', `a rule that is not known here: ${JSON.stringify(rule)}`);
}
