// The same rules as those of @soci/oci, which this package does not import.

/**
 * Characters that can forge or hide output: control and format characters (escape sequences, line feeds, reversed text), line
 * and paragraph separators, and halves of surrogate pairs, which UTF-8 cannot represent.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Most text. To compile the other pattern takes 1 ms. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/** Escapes with a letter. */
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/**
 * Makes foreign text safe for a terminal and for one line of a log. Replaces each unprintable character with the escape that Go's
 * `%q` uses: `\n`, `\x1b`, `\u202e`, `\U000e0001`. Does not change any other character, not even quotation marks and backslashes,
 * so that text can be escaped twice.
 */
export function escapeText(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    const hex = code.toString(16);
    if (code < 0x80) return `\\x${hex.padStart(2, '0')}`;
    return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
  });
}

/** Default of `maxLength` in {@link quoteText}. */
const MAX_QUOTED_LENGTH = 80;

/**
 * Quotes foreign text for a message, with escapes for quotation marks, backslashes and unprintable characters.
 *
 * @param maxLength - Longer text is shortened, and its length is given. In characters. @default 80
 */
export function quoteText(text: string, maxLength: number = MAX_QUOTED_LENGTH): string {
  const quoted = `"${escapeText(text.slice(0, maxLength).replace(/["\\]/g, '\\$&'))}"`;
  return text.length > maxLength ? `${quoted}... of ${text.length} characters` : quoted;
}
