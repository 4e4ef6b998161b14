import { decide, eventPattern, FilterError, parseEcrEvent, parseFilters } from '@soci/filter';
import { expect, test } from 'vitest';
import { matchesPattern } from '../../packages/filter/src/fixtures/match-event-pattern.ts';
import { PATTERN_TABLE } from '../../packages/filter/src/fixtures/pattern-table.ts';
import { askRuler, hasJudge } from './judges.ts';
import { randomCases } from './random-events.ts';

const withRuler = test.skipIf(!hasJudge('ruler'));
const EVERYTHING = parseFilters('*:*');

withRuler('EventBridge lets in what the table says', () => {
  const answers = askRuler(PATTERN_TABLE.map(({ event, options }) => ({ pattern: eventPattern(options), event })));
  expect(PATTERN_TABLE.filter(({ passes }, i) => passes !== answers[i]).map(({ name }) => name)).toEqual([]);
});

withRuler('EventBridge, our decision and the matcher of our tests agree on 3,000 random events', () => {
  const cases = randomCases(3000, 20_261_123).map(({ options, event }) => ({
    pattern: eventPattern(options),
    options,
    event,
  }));
  const answers = askRuler(cases);
  const differing = cases.filter(({ pattern, event, options }, i) => {
    return matchesPattern(pattern, event) !== answers[i] || isIndexed(event, options) !== answers[i];
  });
  expect(differing).toEqual([]);
  const passed = answers.filter(Boolean).length;
  expect(passed).toBeGreaterThan(300);
  expect(passed).toBeLessThan(2700);
});

function isIndexed(event: object, options: ReturnType<typeof randomCases>[number]['options']): boolean {
  try {
    return decide(parseEcrEvent(event, options), EVERYTHING, options).action === 'index';
  } catch (error) {
    if (error instanceof FilterError) return false;
    throw error;
  }
}
