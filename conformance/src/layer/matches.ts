import type { Random } from '@soci/test-content';

/** Which of the possible matches to use. `far` selects the greatest distance among the examined positions. */
export type MatchStyle = 'none' | 'longest' | 'random' | 'far';

/**
 * Literals and matches in order. A match has a length of 3 to 258 bytes and a distance of 1 to 32,768 bytes. A literal
 * has length 1 and distance 0.
 */
export interface Tokens {
  readonly lengths: Uint16Array;
  readonly distances: Uint16Array;
  readonly count: number;
}

/** Maximum distance of a match, in bytes. */
const WINDOW = 32_768;
/** Maximum length of a match, in bytes. */
const MAX_LENGTH = 258;
/** Maximum number of earlier positions with the same three bytes to examine. */
const MAX_CHAIN = 48;

/** Splits `data` into literals and matches, with hash chains over three bytes. */
export function findMatches(data: Uint8Array, style: MatchStyle, random: Random): Tokens {
  const lengths = new Uint16Array(data.length);
  const distances = new Uint16Array(data.length);
  const head = new Int32Array(1 << 15).fill(-1);
  const previous = new Int32Array(WINDOW);
  let count = 0;
  for (let at = 0; at < data.length; count++) {
    const match = style === 'none' ? undefined : findMatch(data, at, head, previous, style, random);
    const length = match === undefined ? 1 : match.length;
    lengths[count] = length;
    distances[count] = match?.distance ?? 0;
    for (const end = at + length; at < end; at++) {
      if (at + 2 >= data.length) continue;
      const hash = hashAt(data, at);
      previous[at % WINDOW] = head[hash];
      head[hash] = at;
    }
  }
  return { lengths, distances, count };
}

function hashAt(data: Uint8Array, at: number): number {
  return (((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]) * 0x9e3779b1) >>> 17;
}

function findMatch(
  data: Uint8Array,
  at: number,
  head: Int32Array,
  previous: Int32Array,
  style: MatchStyle,
  random: Random,
): { length: number; distance: number } | undefined {
  if (at + 2 >= data.length || (style === 'random' && random.uint32() % 4 === 0)) return undefined;
  let best: { length: number; distance: number } | undefined;
  let candidate = head[hashAt(data, at)];
  for (
    let steps = style === 'random' ? random.between(1, MAX_CHAIN) : MAX_CHAIN;
    steps > 0 && candidate >= 0;
    steps--
  ) {
    const distance = at - candidate;
    if (distance > WINDOW) break;
    const length = commonLength(data, candidate, at);
    if (length >= 3 && (best === undefined || style === 'far' || length > best.length)) best = { length, distance };
    const next = previous[candidate % WINDOW];
    if (next >= candidate) break;
    candidate = next;
  }
  if (best !== undefined && style === 'random' && random.chance(0.3)) best.length = random.between(3, best.length);
  return best;
}

function commonLength(data: Uint8Array, from: number, to: number): number {
  const limit = Math.min(MAX_LENGTH, data.length - to);
  let length = 0;
  while (length < limit && data[from + length] === data[to + length]) length++;
  return length;
}
