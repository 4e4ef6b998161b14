import { stripVTControlCharacters } from 'node:util';
import type { CliIo, TextSink } from '../io.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression matches control characters
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

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

/**
 * Makes text from an image or a file safe for a terminal. Writes control characters, which could move the cursor or hide
 * text, as escapes (`\x1b`).
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
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
  };
}
