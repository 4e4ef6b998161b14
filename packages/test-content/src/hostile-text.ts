/** Every control character of ASCII and Latin-1 (C0, DEL and C1), as a string each. */
const CONTROLS = [...range(0, 0x1f), ...range(0x7f, 0x9f)];
/** Line and paragraph separators, and the characters that change the direction of text. */
const SEPARATORS_AND_DIRECTIONS = [...range(0x2028, 0x202e), ...range(0x2066, 0x2069), '\u200e', '\u200f', '\u061c'];

/** Text that a program must not print as it is: it moves the cursor, hides other text, or forges a line of a log. */
export const HOSTILE_TEXTS: readonly string[] = [
  ...[...CONTROLS, ...SEPARATORS_AND_DIRECTIONS, '\ufeff', '\u{e0041}', '\ud800'].map((character) => `a${character}b`),
  'a\r\n::error::x',
  'a\n::set-output name=x::y',
  '\n##vso[task.complete]x',
  '\u001b[2J\u001b[1;31mred\u001b[0m',
  '\u001b[31mred\u001b[39m',
  '\u009b31mred',
  '\u001b]8;;https://evil.test\u0007link\u001b]8;;\u0007',
  '\u001b]0;title\u001b\\',
  'a\n    at ::error::x (file:1:1)',
  'soci-index: \rok',
];

/** Returns the characters of a text that a program must not print, apart from line feeds. */
export function unprintableIn(text: string): string[] {
  return text.match(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu) ?? [];
}

function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index));
}
