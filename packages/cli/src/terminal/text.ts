import { stripVTControlCharacters } from 'node:util';
import type { CliIo, TextSink } from '../io.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** How many columns a text takes; style codes take none. Every character counts as one column. */
export function textWidth(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Cuts a text without style codes to a width, in its middle, where the least is lost: `usr/lib/…/index.js`. */
export function shorten(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  if (width <= 1) return '…'.slice(0, Math.max(0, width));
  const tail = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, width - 1 - tail).join('')}…${characters.slice(characters.length - tail).join('')}`;
}

/** Cuts a text without style codes to a width, at its end, where what comes last matters least. */
export function truncate(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`.slice(0, width);
}

/**
 * Text from an image or a file, made fit for a terminal: control characters, which could move the cursor or hide what
 * follows, are written as escapes (`\x1b`).
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Breaks text into lines of at most `width` columns, between words. */
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

/** Ways to set text apart; each gives its text unchanged where colour is not wanted. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  cyan(text: string): string;
}

/** Whether control codes may be written: on a terminal that is not a dumb one. */
export function isInteractive(sink: TextSink, env: CliIo['env']): boolean {
  return sink.isTTY === true && env.TERM !== 'dumb';
}

/** The style for a sink: colours on a terminal, unless `NO_COLOR` is set to anything (no-color.org). */
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
