import { FilterError } from './errors.ts';
import { findFilterFaults, type TextFault } from './filter-syntax.ts';
import { codePoints, matchGlob, parseGlob } from './glob.ts';

/**
 * Longest list of filters, in characters: what a parameter of CloudFormation or the environment of a Lambda function
 * can hold. It bounds the work of {@link Filter.matches} too.
 */
export const MAX_FILTERS_LENGTH = 4096;

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

function makeFilter(text: string): Filter {
  const glob = parseGlob(text);
  return { text, matches: (image) => matchGlob(glob, codePoints(image)) };
}

function invalid(faults: readonly TextFault[]): FilterError {
  return new FilterError('FILTERS_INVALID', 'invalid filters (expected repository:tag, separated by commas)', faults);
}
