import { HOSTILE_TEXTS, unprintableIn } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { escapeJson, escapeText, quoteText } from './index.ts';

describe('escapeText', () => {
  it.each([
    ['a line feed', 'a\r\nb', 'a\\r\\nb'],
    ['an escape sequence', '\u001b[2J', '\\x1b[2J'],
    ['the other escapes with a letter', '\u0007\b\f\t\v', '\\a\\b\\f\\t\\v'],
    ['NUL and DEL', '\u0000\u007f', '\\x00\\x7f'],
    ['a control character of Latin-1', '\u0085', '\\u0085'],
    ['a separator of lines', '\u2028', '\\u2028'],
    ['reversed text', '\u202e', '\\u202e'],
    ['a character above U+FFFF', '\u{e0041}', '\\U000e0041'],
    ['half of a surrogate pair', 'a\ud83d', 'a\\ud83d'],
  ])('writes %s as Go does', (_, text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it.each(['naïve café', '日本語', '🚀', 'C:\\temp "x"', ''])('does not change %j', (text) => {
    expect(escapeText(text)).toBe(text);
  });

  it('leaves one printable line, and does not change it again', () => {
    for (const text of HOSTILE_TEXTS) {
      const escaped = escapeText(text);
      expect(unprintableIn(escaped)).toEqual([]);
      expect(escaped).not.toContain('\n');
      expect(escapeText(escaped)).toBe(escaped);
    }
  });
});

describe('quoteText', () => {
  it.each([
    ['quotation marks and backslashes', 'a"b\\c', '"a\\"b\\\\c"'],
    ['an escape character', '\u001b', '"\\x1b"'],
    ['long text', 'x'.repeat(81), `"${'x'.repeat(80)}"... of 81 characters`],
  ])('quotes %s', (_, text, quoted) => {
    expect(quoteText(text)).toBe(quoted);
  });
});

describe('escapeJson', () => {
  it('leaves one printable line with the same value', () => {
    for (const text of HOSTILE_TEXTS) {
      const json = escapeJson(JSON.stringify({ [text]: [text] }));
      expect(unprintableIn(json)).toEqual([]);
      expect(json).not.toContain('\n');
      expect(JSON.parse(json)).toEqual({ [text]: [text] });
    }
  });
});
