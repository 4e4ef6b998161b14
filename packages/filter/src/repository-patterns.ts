import type { Filters } from './filters.ts';
import { codePoints, findBracketEnd, matchGlob, parseGlob } from './glob.ts';

const [COLON, OPEN] = codePoints(':[') as [number, number];

/**
 * The repositories whose images filters may match, for a policy of IAM or whatever else knows `*` and `?` and nothing more:
 * what stands before the colon of each filter, with `?` for a set in brackets. What another pattern takes in too is left out, so
 * that `*` stands alone; exclusions take nothing away, since other tags of the same repository may be indexed.
 *
 * @returns At least one, in the order of the filters. Each is as long as its filter at the most.
 */
export function repositoryPatterns({ include }: Pick<Filters, 'include'>): readonly string[] {
  const patterns = [...new Set(include.map(({ text }) => repositoryOf(text)))];
  return patterns.filter((pattern, i) => !patterns.some((other, j) => i !== j && takesIn(other, pattern)));
}

/** The part of a filter that stands for the repository. */
function repositoryOf(filter: string): string {
  const points = codePoints(filter);
  let pattern = '';
  for (let at = 0; at < points.length && points[at] !== COLON; at++) {
    const end = points[at] === OPEN ? findBracketEnd(points, at) : -1;
    if (end !== -1) at = end;
    pattern += end === -1 ? String.fromCodePoint(points[at] as number) : '?';
  }
  return pattern.replaceAll(/\*+/g, '*');
}

/**
 * Whether one pattern matches all that another does. Told by matching the other's text, in which a star stands for itself: that
 * never says yes where it should not, but for a `?` against a star, which is seen to.
 */
function takesIn(wide: string, narrow: string): boolean {
  if (wide.includes('?') && narrow.includes('*')) return false;
  return matchGlob(parseGlob(wide), codePoints(narrow));
}
