import { type Fault, FilterError, quoteShort } from './errors.ts';
import { codePoints, findBracketEnd, isEmptyRange, matchGlob, parseGlob, splitRanges } from './glob.ts';

/**
 * Longest list of filters, in characters: what a parameter of CloudFormation or the environment of a Lambda function
 * can hold. It bounds the work of {@link Filter.matches} too.
 */
const MAX_FILTERS_LENGTH = 4096;

const [COLON, OPEN] = codePoints(':[') as [number, number];

/** One pattern for `repository:tag`. */
export interface Filter {
  /** The filter as it was written, without the `!` of an exclusion. */
  readonly text: string;
  /**
   * Whether `image`, in the form `repository:tag`, matches: as Python's `fnmatch.fnmatchcase` would say. `*`, `?` and
   * brackets take a `/` like any other character. The steps are at most the filter's length times the image's.
   */
  matches(image: string): boolean;
}

/** Which images get an index: those that one of `include` matches, and none of `exclude`. */
export interface Filters {
  /** At least one. */
  readonly include: readonly Filter[];
  /** They count wherever they stand in the list. */
  readonly exclude: readonly Filter[];
}

/**
 * Reads filters as the stack's parameter takes them: `repository:tag`, separated by commas, spaces around them ignored.
 * `*` stands for any number of any characters, `?` for one, `[abc]`, `[a-z]` and `[!abc]` for one of a set or of all
 * others. A `!` in front excludes what the filter matches: `*:*,!*:*-dev`.
 *
 * A filter that no image could ever match is a mistake, and refused: one without a tag, a bracket that is not closed,
 * upper-case letters in a repository's name.
 *
 * @throws FilterError `FILTERS_INVALID`, with the position of everything that is wrong.
 */
export function parseFilters(text: string): Filters {
  if (text.length > MAX_FILTERS_LENGTH) {
    const problem = `the text is ${text.length} characters long: at most ${MAX_FILTERS_LENGTH} are taken`;
    throw invalid([{ position: MAX_FILTERS_LENGTH, problem }]);
  }
  const faults: TextFault[] = [];
  const include: Filter[] = [];
  const exclude: Filter[] = [];
  let start = 0;
  for (const entry of text.split(',')) {
    const trimmed = entry.trim();
    const excludes = trimmed.startsWith('!');
    const pattern = excludes ? trimmed.slice(1) : trimmed;
    const position = start + entry.length - entry.trimStart().length + (excludes ? 1 : 0);
    faults.push(...findFilterFaults(pattern, position));
    (excludes ? exclude : include).push(makeFilter(pattern));
    start += entry.length + 1;
  }
  if (include.length === 0 && faults.length === 0) {
    faults.push({ position: 0, problem: 'there are only exclusions: add what they are taken from, such as *:*' });
  }
  if (faults.length > 0) throw invalid(faults.sort((one, other) => one.position - other.position));
  return { include, exclude };
}

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

function makeFilter(text: string): Filter {
  const glob = parseGlob(text);
  return { text, matches: (image) => matchGlob(glob, codePoints(image)) };
}

function invalid(faults: readonly TextFault[]): FilterError {
  return new FilterError('FILTERS_INVALID', 'invalid filters (expected repository:tag, separated by commas)', faults);
}

// What fnmatch lets pass, but no image's name can ever match.

/** A fault in a text, at a position. */
type TextFault = Fault & { readonly position: number };

// The parts of a name: what may stand in each, and what to say of anything else.
const REPOSITORY = {
  allowed: /[a-z0-9._/-]/,
  expected: "a repository's name has lower-case letters, digits, and . _ - /",
};
const TAG = { allowed: /[\w.-]/, expected: 'a tag has letters, digits, and . _ -' };

/** In brackets, what either part may have: `[A-Z]` is a range like any other. */
const IN_BRACKETS = { allowed: /[\w./-]/, expected: 'a name has letters, digits, and . _ - /' };

/** Everything that is wrong with one filter, which begins at `position` of the text that it comes from. */
function findFilterFaults(filter: string, position: number): TextFault[] {
  if (filter === '') return [{ position, problem: 'there is no filter' }];
  const faults: TextFault[] = [];
  const fault = (at: number, problem: string): void => {
    faults.push({ position: position + at, problem });
  };
  // Positions are in units of UTF-16, as everywhere in JavaScript: what has two of them is refused anyway.
  const units = Array.from({ length: filter.length }, (_, at) => filter.charCodeAt(at));
  const colon = findColon(units);
  if (colon === -1) fault(filter.length, `${quoteShort(filter)} has no tag: end it in :* for any`);
  if (colon === 0) fault(0, 'there is no repository before the colon: begin with * for any');
  if (colon === filter.length - 1) fault(filter.length, 'there is no tag behind the colon: end in * for any');

  for (let at = 0; at < filter.length; at++) {
    const character = filter[at] as string;
    if (character === '[') {
      const end = findBracketEnd(units, at);
      if (end === -1) {
        fault(at, 'the [ is not closed by a ] in the same filter');
        break;
      }
      const problem = problemInBrackets(filter.slice(at + 1, end));
      if (problem !== undefined) fault(at, problem);
      at = end;
    } else if (at !== colon && character !== '*' && character !== '?') {
      const { allowed, expected } = colon === -1 || at < colon ? REPOSITORY : TAG;
      if (!allowed.test(character)) fault(at, `${quoteShort(character)} matches nothing: ${expected}`);
    }
  }
  return faults;
}

function problemInBrackets(content: string): string | undefined {
  if (content.startsWith('^')) return 'the set begins with ^: all other characters are [!...]';
  const members = content.replace(/^!/, '');
  const foreign = [...members].find((character) => !IN_BRACKETS.allowed.test(character));
  if (foreign !== undefined) return `the set has ${quoteShort(foreign)}: ${IN_BRACKETS.expected}`;
  const pieces = splitRanges(codePoints(content));
  const backwards = pieces.findIndex((piece, i) => i > 0 && isEmptyRange(pieces[i - 1] as number[], piece));
  if (backwards === -1) return undefined;
  const [low, high] = [(pieces[backwards - 1] as number[]).at(-1), pieces[backwards]?.[0]] as [number, number];
  return `the range ${String.fromCodePoint(low)}-${String.fromCodePoint(high)} runs backwards`;
}

/** Where the colon between repository and tag is: the first that stands in no brackets. */
function findColon(units: readonly number[]): number {
  for (let at = 0; at < units.length; at++) {
    if (units[at] === COLON) return at;
    if (units[at] === OPEN) at = Math.max(at, findBracketEnd(units, at));
  }
  return -1;
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
