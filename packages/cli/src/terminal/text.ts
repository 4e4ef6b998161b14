import { stripVTControlCharacters } from 'node:util';
import { escapeText } from '@soci/oci';
import type { CliIo, TextSink } from '../io.ts';

/** Codes that {@link styleFor} uses. The group keeps them when a line is split. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: style codes start with a control character
const STYLE_CODES = /(\u001b\[(?:1|2|22|31|32|36|39)m)/;

/** Maximum length of a value from an image in a table or sentence, in characters. */
const MAX_VALUE_LENGTH = 200;

/** Returns the width of a string in columns, without style codes. Every character counts as one column. */
export function textWidth(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Shortens a string without style codes in the middle: `usr/lib/…/index.js`. */
export function shorten(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  if (width <= 1) return '…'.slice(0, Math.max(0, width));
  const tail = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, width - 1 - tail).join('')}…${characters.slice(characters.length - tail).join('')}`;
}

/** Shortens a string without style codes at the end. */
export function truncate(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`.slice(0, width);
}

/** Escapes a value from an image or a registry for a table or sentence, and truncates it. */
export function printable(text: string): string {
  return truncate(escapeText(text), MAX_VALUE_LENGTH);
}

/** Quotes a word for a POSIX shell, if it needs quotes. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Wraps text at spaces, to lines of at most `width` columns. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Styles for terminal text. Without colour support, each function returns its text unchanged. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
  /** Escapes a finished line, except the codes of this style. No text in the line can then end it or move the cursor. */
  escape(line: string): string;
}

/** Reports whether the sink is a terminal that understands control codes. */
export function isInteractive(sink: TextSink, env: CliIo['env']): boolean {
  return sink.isTTY === true && env.TERM !== 'dumb';
}

/** Returns the style for a sink: colours on a terminal, unless `NO_COLOR` is set (no-color.org). */
export function styleFor(sink: TextSink, env: CliIo['env']): Style {
  const coloured = isInteractive(sink, env) && !env.NO_COLOR;
  const paint = (open: number, close: number) => (text: string) =>
    coloured && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    cyan: paint(36, 39),
    escape: (line) =>
      coloured
        ? line
            .split(STYLE_CODES)
            .map((part, index) => (index % 2 === 1 ? part : escapeText(part)))
            .join('')
        : escapeText(line),
  };
}
