import { compilePattern } from './compile-pattern.ts';

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
