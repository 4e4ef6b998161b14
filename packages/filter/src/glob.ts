// Implements fnmatch.fnmatchcase of CPython 3.9 and later without regular expressions. A pattern is a list of character sets
// and stars, which limits matching to (length of the pattern × length of the text) steps.
// @see CPython, Lib/fnmatch.py, `translate`

/** A set of code points: those in one of the inclusive ranges, or all others if `isNegated`. */
interface CharacterSet {
  readonly isNegated: boolean;
  readonly ranges: readonly (readonly [low: number, high: number])[];
}

const STAR = Symbol('any number of any characters');

/** A pattern of {@link parseGlob}. */
export type Glob = readonly (CharacterSet | typeof STAR)[];

/** Marks a hyphen that forms a range in the members of a set. */
const RANGE = -1;

const ANY: CharacterSet = { isNegated: true, ranges: [] };
const [BANG, HYPHEN, QUESTION, ASTERISK, OPEN, CLOSE] = codePoints('!-?*[]') as [
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Returns the code points of `text`. As in Python, `?` matches a code point, not half of a surrogate pair. */
export function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) as number);
}

/** Parses a pattern. Every text is valid: an unclosed bracket is an ordinary character. */
export function parseGlob(pattern: string): Glob {
  const source = codePoints(pattern);
  const glob: (CharacterSet | typeof STAR)[] = [];
  for (let at = 0; at < source.length; at++) {
    const point = source[at] as number;
    const end = point === OPEN ? findBracketEnd(source, at) : -1;
    if (end !== -1) {
      glob.push(parseBracket(source.slice(at + 1, end)));
      at = end;
    } else if (point === ASTERISK) {
      if (glob.at(-1) !== STAR) glob.push(STAR);
    } else {
      glob.push(point === QUESTION ? ANY : { isNegated: false, ranges: [[point, point]] });
    }
  }
  return glob;
}

/**
 * Returns whether the whole `text` matches. On a mismatch, only the last star is extended: if the pattern after it matches
 * later in the text, the part before it need not change.
 */
export function matchGlob(glob: Glob, text: readonly number[]): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const part = glob[next];
    if (part === STAR) {
      star = next++;
      starAt = at;
    } else if (part !== undefined && includes(part, text[at] as number)) {
      next++;
      at++;
    } else if (star === -1) {
      return false;
    } else {
      next = star + 1;
      at = ++starAt;
    }
  }
  return next === glob.length || (next === glob.length - 1 && glob[next] === STAR);
}

/** Returns the position of the `]` that closes the bracket at `open`, or -1. A `]` at the beginning is a member. */
export function findBracketEnd(source: readonly number[], open: number): number {
  let at = open + 1;
  if (source[at] === BANG) at++;
  if (source[at] === CLOSE) at++;
  return source.indexOf(CLOSE, at);
}

/**
 * Splits the content of a bracket at hyphens that form ranges. Each range goes from the last member of a piece to the first
 * member of the next piece. A hyphen at either end or directly after a range is an ordinary member.
 */
export function splitRanges(members: readonly number[]): number[][] {
  const pieces: number[][] = [];
  let from = 0;
  let hyphen = members.indexOf(HYPHEN, members[0] === BANG ? 2 : 1);
  for (; hyphen !== -1; hyphen = members.indexOf(HYPHEN, hyphen + 3)) {
    pieces.push(members.slice(from, hyphen));
    from = hyphen + 1;
  }
  if (from < members.length) pieces.push(members.slice(from));
  else pieces.at(-1)?.push(HYPHEN);
  return pieces;
}

/** Returns whether the range between two adjacent pieces of {@link splitRanges} is reversed and therefore empty. */
export function isEmptyRange(before: readonly number[], after: readonly number[]): boolean {
  return (before.at(-1) as number) > (after[0] as number);
}

function parseBracket(content: readonly number[]): CharacterSet {
  const pieces = splitRanges(content);
  // As in Python, an empty range is removed with both its ends before the `!` is checked. The `!` in `[b-a!x]` negates.
  for (let i = pieces.length - 1; i > 0; i--) {
    const [before, after] = [pieces[i - 1] as number[], pieces[i] as number[]];
    if (isEmptyRange(before, after)) pieces.splice(i - 1, 2, [...before.slice(0, -1), ...after.slice(1)]);
  }
  const members = pieces.flatMap((piece, i) => (i === 0 ? piece : [RANGE, ...piece]));
  const isNegated = members[0] === BANG;
  if (isNegated) members.shift();
  // If the removal has moved a `!` to the front, a hyphen after it has no start of a range and is an ordinary member.
  if (members[0] === RANGE) members[0] = HYPHEN;
  return { isNegated, ranges: listRanges(members) };
}

function listRanges(members: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (let i = 0; i < members.length; i++) {
    const low = members[i] as number;
    if (members[i + 1] === RANGE) i += 2;
    ranges.push([low, members[i] as number]);
  }
  return ranges;
}

function includes({ isNegated, ranges }: CharacterSet, point: number): boolean {
  return ranges.some(([low, high]) => low <= point && point <= high) !== isNegated;
}
