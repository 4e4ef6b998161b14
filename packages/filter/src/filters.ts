import { type Fault, FilterError, quoteShort } from './errors.ts';
import { codePoints, findBracketEnd, isEmptyRange, matchGlob, parseGlob, splitRanges } from './glob.ts';

/**
 * Maximum length of a list of filters, in characters: the limit of a CloudFormation parameter and of the environment of a
 * Lambda function. It also limits the work of {@link Filter.matches}.
 */
const MAX_FILTERS_LENGTH = 4096;

const [COLON, OPEN] = codePoints(':[') as [number, number];

/** Pattern for `repository:tag`. */
export interface Filter {
  /** Text of the filter, without the `!` of an exclusion. */
  readonly text: string;
  /**
   * Returns whether the filter matches `image`, which has the form `repository:tag`. The result is the same as that of
   * Python's `fnmatch.fnmatchcase`: `*`, `?` and sets also match `/`. It takes at most (length of the filter × length of
   * `image`) steps.
   */
  matches(image: string): boolean;
}

/** Filters that select images: those that match a filter of `include` and no filter of `exclude`. */
export interface Filters {
  /** At least one filter. */
  readonly include: readonly Filter[];
  /** Exclusions. Their position in the list has no effect. */
  readonly exclude: readonly Filter[];
}

/**
 * Parses a comma-separated list of `repository:tag` filters. Spaces around a filter are ignored. `*` matches any number of
 * characters, `?` one character, `[abc]` and `[a-z]` one character of a set, `[!abc]` one character that is not in the set.
 * A leading `!` excludes the images that the filter matches: `*:*,!*:*-dev`.
 *
 * Filters that cannot match any image are rejected: a filter without a tag, an unclosed bracket, an upper-case letter in the
 * repository name.
 *
 * @throws FilterError `FILTERS_INVALID` with the position of each fault.
 */
export function parseFilters(text: string): Filters {
  if (text.length > MAX_FILTERS_LENGTH) {
    const problem = `the text has ${text.length} characters: the maximum is ${MAX_FILTERS_LENGTH}`;
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
    faults.push({ position: 0, problem: 'there are only exclusions: add a filter that includes images, such as *:*' });
  }
  if (faults.length > 0) throw invalid(faults.sort((one, other) => one.position - other.position));
  return { include, exclude };
}

/**
 * Returns patterns for the names of the repositories that the filters can match, for example for an IAM policy. They contain
 * only the wildcards `*` and `?`: a set in brackets becomes `?`. Patterns that another pattern covers are omitted. Exclusions
 * are ignored, because other tags of the same repository may be indexed.
 *
 * @returns At least one pattern, in the order of the filters. A pattern is at most as long as its filter.
 */
export function repositoryPatterns({ include }: Pick<Filters, 'include'>): readonly string[] {
  const patterns = [...new Set(include.map(({ text }) => repositoryOf(text)))];
  return patterns.filter((pattern, i) => !patterns.some((other, j) => i !== j && covers(other, pattern)));
}

function makeFilter(text: string): Filter {
  const glob = parseGlob(text);
  return { text, matches: (image) => matchGlob(glob, codePoints(image)) };
}

function invalid(faults: readonly TextFault[]): FilterError {
  return new FilterError('FILTERS_INVALID', 'invalid filters (expected repository:tag, separated by commas)', faults);
}

// Additional checks: filters that fnmatch accepts, but that cannot match the name of an image.

/** A fault at a position in the list of filters. */
type TextFault = Fault & { readonly position: number };

// Allowed characters of each part of a name, and the text for messages.
const REPOSITORY = {
  allowed: /[a-z0-9._/-]/,
  expected: 'a repository name consists of lower-case letters, digits, and . _ - /',
};
const TAG = { allowed: /[\w.-]/, expected: 'a tag consists of letters, digits, and . _ -' };

/** Sets allow the characters of both parts. */
const IN_BRACKETS = { allowed: /[\w./-]/, expected: 'a name consists of letters, digits, and . _ - /' };

/** Returns all faults of one filter, which starts at `position` of the list. */
function findFilterFaults(filter: string, position: number): TextFault[] {
  if (filter === '') return [{ position, problem: 'the filter is empty' }];
  const faults: TextFault[] = [];
  const fault = (at: number, problem: string): void => {
    faults.push({ position: position + at, problem });
  };
  // Positions are in UTF-16 code units. Characters with two units are rejected anyway.
  const units = Array.from({ length: filter.length }, (_, at) => filter.charCodeAt(at));
  const colon = findColon(units);
  if (colon === -1) fault(filter.length, `${quoteShort(filter)} has no tag: append :* to match any tag`);
  if (colon === 0) fault(0, 'the repository before the colon is missing: use * to match any repository');
  if (colon === filter.length - 1) fault(filter.length, 'the tag after the colon is missing: use * to match any tag');

  for (let at = 0; at < filter.length; at++) {
    const character = filter[at] as string;
    if (character === '[') {
      const end = findBracketEnd(units, at);
      if (end === -1) {
        fault(at, 'the [ has no closing ] in the same filter');
        break;
      }
      const problem = problemInBrackets(filter.slice(at + 1, end));
      if (problem !== undefined) fault(at, problem);
      at = end;
    } else if (at !== colon && character !== '*' && character !== '?') {
      const { allowed, expected } = colon === -1 || at < colon ? REPOSITORY : TAG;
      if (!allowed.test(character)) fault(at, `${quoteShort(character)} is not allowed: ${expected}`);
    }
  }
  return faults;
}

function problemInBrackets(content: string): string | undefined {
  if (content.startsWith('^')) return 'the set begins with ^: use [!...] to negate a set';
  const members = content.replace(/^!/, '');
  const foreign = [...members].find((character) => !IN_BRACKETS.allowed.test(character));
  if (foreign !== undefined) return `the set contains ${quoteShort(foreign)}: ${IN_BRACKETS.expected}`;
  const pieces = splitRanges(codePoints(content));
  const backwards = pieces.findIndex((piece, i) => i > 0 && isEmptyRange(pieces[i - 1] as number[], piece));
  if (backwards === -1) return undefined;
  const [low, high] = [(pieces[backwards - 1] as number[]).at(-1), pieces[backwards]?.[0]] as [number, number];
  return `the range ${String.fromCodePoint(low)}-${String.fromCodePoint(high)} is reversed`;
}

/** Returns the position of the colon between repository and tag, the first one outside brackets, or -1. */
function findColon(units: readonly number[]): number {
  for (let at = 0; at < units.length; at++) {
    if (units[at] === COLON) return at;
    if (units[at] === OPEN) at = Math.max(at, findBracketEnd(units, at));
  }
  return -1;
}

/** Returns the repository part of a filter, with `?` for each set. */
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
 * Returns whether `wide` matches every string that `narrow` matches. It matches `wide` against the text of `narrow`, where a
 * `*` is an ordinary character. This is never wrongly true, except for a `?` that matches a `*`, which is ruled out first.
 */
function covers(wide: string, narrow: string): boolean {
  if (wide.includes('?') && narrow.includes('*')) return false;
  return matchGlob(parseGlob(wide), codePoints(narrow));
}
