import { Random } from '@soci/test-content';

/** A pattern, and an event that it may match. */
interface RandomMatch {
  readonly pattern: object;
  readonly event: object;
}

const FIELDS = ['a', 'b', 'c'];
const TEXTS = ['', 'x', 'xy', 'yx', 'xyx', 'X'];

/**
 * Returns patterns with all features of the matcher, and events with few fields and values, so that many match. They
 * depend only on the seed.
 */
export function randomMatches(count: number, seed: number): RandomMatch[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({ pattern: randomPattern(random, 2), event: randomObject(random, 2) }));
}

function randomPattern(random: Random, depth: number): object {
  const fields = FIELDS.filter(() => random.chance(0.4));
  const chosen = fields.length === 0 ? ['a'] : fields;
  const pattern: Record<string, unknown> = {};
  for (const field of chosen) {
    pattern[field] = depth > 0 && random.chance(0.2) ? randomPattern(random, depth - 1) : randomRules(random);
  }
  if (depth === 2 && random.chance(0.2)) {
    pattern.$or = [randomPattern(random, 0), randomPattern(random, 0)];
  }
  return pattern;
}

function randomRules(random: Random): unknown[] {
  return Array.from({ length: random.chance(0.3) ? 2 : 1 }, () => randomRule(random));
}

function randomRule(random: Random): unknown {
  const text = random.pick(TEXTS);
  return random.pick([
    text,
    random.pick([1, 2, true, false, null]),
    { exists: random.chance(0.5) },
    { 'anything-but': text },
    { 'anything-but': [text, 'y'] },
    { prefix: random.pick(['x', 'xy']) },
    { suffix: random.pick(['x', 'yx']) },
    { wildcard: random.pick(['*', 'x*', '*x', 'x*x', '*y*']) },
  ]);
}

function randomObject(random: Random, depth: number): object {
  const object: Record<string, unknown> = {};
  for (const field of FIELDS) if (random.chance(0.6)) object[field] = randomValue(random, depth);
  return object;
}

function randomValue(random: Random, depth: number): unknown {
  if (depth > 0 && random.chance(0.15)) return randomObject(random, depth - 1);
  if (depth > 0 && random.chance(0.1)) return [randomValue(random, 0), randomValue(random, 0)];
  return random.pick([...TEXTS, ...TEXTS, 1, 2, true, false, null]);
}
