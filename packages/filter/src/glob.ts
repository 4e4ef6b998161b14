// Python's fnmatch.fnmatchcase, as CPython 3.9 and later have it, without regular expressions: a pattern is a list of
// sets of characters and stars, so that no pattern can take more than its length times the text's in steps.
// @see CPython, Lib/fnmatch.py, `translate`

/** Characters, by their code points: those in one of the ranges, both ends included, or all others. */
interface CharacterSet {
  readonly isNegated: boolean;
  readonly ranges: readonly (readonly [low: number, high: number])[];
}

const STAR = Symbol('any number of any characters');

/** A pattern of {@link parseGlob}. */
export type Glob = readonly (CharacterSet | typeof STAR)[];

/** In the members of a bracket, a hyphen that makes a range of its neighbours. */
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

/** The code points of `text`: `?` takes one of these, as in Python, and not half a pair of surrogates. */
export function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) as number);
}

/** Reads a pattern. Every text is one: a bracket that is not closed stands for itself. */
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
 * Whether `text` as a whole matches. Only the last star is ever tried again: if what follows it fits further on, what
 * stands before it need not move.
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

/** Where the bracket that opens at `open` is closed, or -1. A `]` right at its beginning is one of its members. */
export function findBracketEnd(source: readonly number[], open: number): number {
  let at = open + 1;
  if (source[at] === BANG) at++;
  if (source[at] === CLOSE) at++;
  return source.indexOf(CLOSE, at);
}

/**
 * Cuts what stands in a bracket at the hyphens that make ranges: of the last before a cut and the first behind it. A
 * hyphen at either end, or right behind a range, is a member like any other.
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

/** Whether the range between two neighbours of {@link splitRanges} runs backwards, and so is empty. */
export function isEmptyRange(before: readonly number[], behind: readonly number[]): boolean {
  return (before.at(-1) as number) > (behind[0] as number);
}

function parseBracket(content: readonly number[]): CharacterSet {
  const pieces = splitRanges(content);
  // An empty range goes with both its ends, as in Python. That is done before the `!` is looked for: in `[b-a!x]` the
  // `!` negates.
  for (let i = pieces.length - 1; i > 0; i--) {
    const [before, behind] = [pieces[i - 1] as number[], pieces[i] as number[]];
    if (isEmptyRange(before, behind)) pieces.splice(i - 1, 2, [...before.slice(0, -1), ...behind.slice(1)]);
  }
  const members = pieces.flatMap((piece, i) => (i === 0 ? piece : [RANGE, ...piece]));
  const isNegated = members[0] === BANG;
  if (isNegated) members.shift();
  // Behind a `!` that such a removal has brought to the front, a hyphen has nothing to begin a range with.
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
