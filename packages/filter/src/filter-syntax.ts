// What fnmatch lets pass, but no image's name can ever match.
import type { Fault } from './errors.ts';
import { codePoints, findBracketEnd, isEmptyRange, splitRanges } from './glob.ts';
import { quoteShort } from './quote.ts';

/** A fault in a text, at a position. */
export type TextFault = Fault & { readonly position: number };

/** A part of a name: what may stand in it, and what to say of anything else. */
interface NamePart {
  readonly allowed: RegExp;
  readonly expected: string;
}

const REPOSITORY: NamePart = {
  allowed: /[a-z0-9._/-]/,
  expected: "a repository's name has lower-case letters, digits, and . _ - /",
};
const TAG: NamePart = { allowed: /[\w.-]/, expected: 'a tag has letters, digits, and . _ -' };

/** In brackets, what either part may have: `[A-Z]` is a range like any other. */
const IN_BRACKETS: NamePart = { allowed: /[\w./-]/, expected: 'a name has letters, digits, and . _ - /' };

const [COLON, OPEN] = codePoints(':[') as [number, number];

/** Everything that is wrong with one filter, which begins at `position` of the text that it comes from. */
export function findFilterFaults(filter: string, position: number): TextFault[] {
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
