import { TestAwsError } from '../errors.ts';

/**
 * Compiles a `wildcard`: `*` stands for any characters, `\*` and `\\` for themselves. Matching looks at each piece between
 * stars once, from left to right; however the wildcard is made, that takes no longer than the text is long times the pieces.
 *
 * @throws TestAwsError `PATTERN_UNSUPPORTED` where EventBridge refuses it.
 */
export function compileWildcard(wildcard: string): (text: string) => boolean {
  const pieces = splitAtStars(wildcard);
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return (text) => text === first;
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found === -1) return false;
      at = found + piece.length;
    }
    return at <= end;
  };
}

function splitAtStars(wildcard: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (let i = 0; i < wildcard.length; i += 1) {
    let character = wildcard.charAt(i);
    if (character === '*') {
      if (wildcard[i + 1] === '*') throw unsupported(wildcard, 'two stars beside each other');
      pieces.push(piece);
      piece = '';
      continue;
    }
    if (character === '\\') {
      i += 1;
      character = wildcard.charAt(i);
      if (character !== '*' && character !== '\\') throw unsupported(wildcard, 'a backslash before neither * nor \\');
    }
    piece += character;
  }
  return [...pieces, piece];
}

function unsupported(wildcard: string, what: string): TestAwsError {
  return new TestAwsError('PATTERN_UNSUPPORTED', `the wildcard ${JSON.stringify(wildcard)} has ${what}`);
}
