import { decide, eventPattern, FilterError, parseEcrEvent, parseFilters } from '@soci/filter';
import { matchesEventPattern, TestAwsError } from '@soci/test-aws';
import { expect, test } from 'vitest';
import { PATTERN_TABLE } from '../../packages/filter/src/fixtures/pattern-table.ts';
import { hasTools } from '../tools/tools.ts';
import { askRuler } from './oracles.ts';
import { randomCases } from './random-events.ts';
import { randomMatches } from './random-patterns.ts';

const withRuler = test.skipIf(!hasTools('ruler'));
const EVERYTHING = parseFilters('*:*');

withRuler('EventBridge lets in what the table says', () => {
  const answers = askRuler(PATTERN_TABLE.map(({ event, options }) => ({ pattern: eventPattern(options), event })));
  expect(PATTERN_TABLE.filter(({ matches }, i) => matches !== answers[i]).map(({ name }) => name)).toEqual([]);
});

withRuler('EventBridge, our decision and the matcher of our tests agree on 3,000 random events', () => {
  const cases = randomCases(3000, 20_261_123).map(({ options, event }) => ({
    pattern: eventPattern(options),
    options,
    event,
  }));
  const answers = askRuler(cases);
  const differing = cases.filter(({ pattern, event, options }, i) => {
    return matchesEventPattern(pattern, event) !== answers[i] || isIndexed(event, options) !== answers[i];
  });
  expect(differing).toEqual([]);
  const passed = answers.filter(Boolean).length;
  expect(passed).toBeGreaterThan(300);
  expect(passed).toBeLessThan(2700);
});

withRuler('EventBridge and the matcher of @soci/test-aws agree on 10,000 random patterns and events', () => {
  const pairs = randomMatches(10_000, 20_261_126);
  // Our matcher rejects what it does not support. The ruler accepts some of it.
  const known = pairs.flatMap((pair) => {
    try {
      return [{ ...pair, ours: matchesEventPattern(pair.pattern, pair.event) }];
    } catch (error) {
      if (error instanceof TestAwsError && error.code === 'PATTERN_UNSUPPORTED') return [];
      throw error;
    }
  });
  const answers = askRuler(known);
  expect(known.filter(({ ours }, i) => ours !== answers[i])).toEqual([]);
  expect(known.length).toBeGreaterThan(8000);
  expect(answers.filter(Boolean).length).toBeGreaterThan(1500);
});

function isIndexed(event: object, options: ReturnType<typeof randomCases>[number]['options']): boolean {
  try {
    return decide(parseEcrEvent(event, options), EVERYTHING, options).outcome === 'index';
  } catch (error) {
    if (error instanceof FilterError) return false;
    throw error;
  }
}
