/** Maximum length of a statement that is looked at, in UTF-16 units. */
const MAX_STATEMENT = 32 << 10;
/** Maximum length of a string that is kept, for names of systems and modules. */
const MAX_KEPT_STRING = 256;

/** Characters that have no meaning outside of names and operators, with single spaces between them. */
const PLAIN = /[^\s#\\"'()[\]{}]+(?: [^\s#\\"'()[\]{}]+)*/y;
/**
 * A statement on one line, or an empty line, with the end of the line: without brackets in brackets, strings of several lines or
 * escapes. Most lines are such. Takes linear time: each character matches in one way.
 */
const SIMPLE_LINE =
  /[^\r\n#\\"'()[\]{}]*(?:(?:[([{][^\r\n#\\"'()[\]{}]*[)\]}]|"(?!"")[^\n\\"]*"|'(?!'')[^\n\\']*')[^\r\n#\\"'()[\]{}]*)*(?:#[^\n]*)?\r?\n/y;
/** A character that can change where a statement ends. */
const STOP = /[\r\n#\\"'()[\]{}]/g;
const SPACES = /[^\S\r\n]+/y;

/** Characters of ASCII by what they are: the patterns above take longer to find out that they do not match. */
const [SPACE, SPECIAL, UNKNOWN] = [1, 2, 3];
const CHARACTERS = new Uint8Array(128);
for (const space of ' \t\v\f') CHARACTERS[space.charCodeAt(0)] = SPACE;
for (const special of '\r\n#\\"\'()[]{}') CHARACTERS[special.charCodeAt(0)] = SPECIAL;

/** What ends a string literal, by its quotes, or escapes a character in it. */
const STOPS: Readonly<Record<string, RegExp>> = {
  "'": /[\\\n']/g,
  '"': /[\\\n"]/g,
  "'''": /\\|'''/g,
  '"""': /\\|"""/g,
};

/** Lines of a source: an offset in UTF-16 units, and the offset after them. */
export interface Lines {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the logical lines of Python source with their indentation: continued lines are joined, strings of several lines and
 * comments removed. Takes linear time. Makes no text of what is skipped, because most of a module is in functions that do not
 * run.
 */
export class StatementReader {
  readonly #source: string;
  readonly #end: number;
  /** Start of the line after the statement. */
  #at: number;
  /** Start of the first line of the statement. */
  start = 0;
  /** Column of the statement. */
  indent = 0;
  #text = '';
  #endsWithSpace = false;

  /** @param lines - Lines to read. Default: all. */
  constructor(source: string, lines: Lines = { start: 0, end: source.length }) {
    this.#source = source;
    this.#end = lines.end;
    this.#at = lines.start === 0 && source.startsWith('\ufeff') ? 1 : lines.start;
  }

  /** The statement, with single spaces. */
  get text(): string {
    return this.#text;
  }

  /** Start of the line after the statement. */
  get end(): number {
    return this.#at;
  }

  /** Skips statements up to the next one that is not indented by more than `indent`. @returns Their lines. */
  skipBlock(indent: number): Lines {
    const source = this.#source;
    const start = this.#at;
    while (this.#at < this.#end) {
      const spaces = matchLength(SPACES, source, this.#at);
      const at = this.#at + spaces;
      const first = source[at];
      const isEmpty = first === '\n' || first === '\r' || first === '#';
      if (!isEmpty && columnAfter(source, this.#at, spaces) <= indent) break;
      const length = matchLength(SIMPLE_LINE, source, at);
      this.#at = length > 0 ? at + length : this.#endOfStatement(at);
    }
    return { start, end: this.#at };
  }

  /** Returns the start of the line after the statement or empty line that continues at a position. */
  #endOfStatement(start: number): number {
    const source = this.#source;
    let depth = 0;
    for (let at = start; at < this.#end; ) {
      STOP.lastIndex = at;
      if (!STOP.test(source)) break;
      at = STOP.lastIndex;
      const character = source[at - 1] as string;
      if (character === '\n' || character === '\r') {
        if (depth === 0) return at;
      } else if (character === '#') at = endOfComment(source, at);
      else if (character === '\\') at += lengthOfContinuation(source, at);
      else if (character === '"' || character === "'") {
        at = endOfString(source, at - 1, quotesAt(source, at - 1, character));
      } else if (character === '(' || character === '[' || character === '{') depth++;
      else if (depth > 0) depth--;
    }
    return this.#end;
  }

  /** Reads the next statement. @returns Whether there is one. */
  next(): boolean {
    const source = this.#source;
    let at = this.#at;
    let isEmpty = true;
    let depth = 0;
    let isLineStart = true;
    this.start = at;
    this.indent = 0;
    this.#text = '';
    while (at < this.#end) {
      const character = source[at] as string;
      if (character === '\n' || character === '\r') {
        at++;
        if (depth > 0) this.#addSpace();
        else if (!isEmpty) break;
        else {
          this.start = at;
          this.indent = 0;
          isLineStart = true;
        }
        continue;
      }
      const code = source.charCodeAt(at);
      const kind = code < 128 ? CHARACTERS[code] : UNKNOWN;
      const spaces = kind === SPACE || kind === UNKNOWN ? matchLength(SPACES, source, at) : 0;
      if (spaces > 0) {
        if (isLineStart) this.indent = columnAfter(source, at, spaces);
        else this.#addSpace();
        at += spaces;
        continue;
      }
      isLineStart = false;
      const length = kind === SPECIAL ? 0 : matchLength(PLAIN, source, at);
      if (length > 0) {
        isEmpty = false;
        this.#add(source.slice(at, at + Math.min(length, MAX_STATEMENT)));
        at += length;
      } else if (character === '#') at = endOfComment(source, at);
      else if (character === '\\') {
        at += 1 + lengthOfContinuation(source, at + 1);
        this.#addSpace();
      } else if (character === '"' || character === "'") {
        isEmpty = false;
        const quotes = quotesAt(source, at, character);
        const end = endOfString(source, at, quotes);
        const isKept = end - at <= MAX_KEPT_STRING && quotes.length === 1;
        this.#add(isKept ? source.slice(at, end) : character + character);
        at = end;
      } else {
        isEmpty = false;
        if (character === '(' || character === '[' || character === '{') depth++;
        else if (depth > 0) depth--;
        this.#add(character);
        at++;
      }
    }
    this.#at = at;
    this.#text = this.#text.trimEnd();
    return !isEmpty;
  }

  #add(piece: string): void {
    if (this.#text.length >= MAX_STATEMENT) return;
    this.#text += piece;
    this.#endsWithSpace = piece.endsWith(' ');
  }

  /** Adds a space, unless there is one: the patterns for statements take quadratic time for many. */
  #addSpace(): void {
    if (this.#text === '' || this.#endsWithSpace) return;
    this.#text += ' ';
    this.#endsWithSpace = true;
  }
}

/** Returns the length of the match of a sticky pattern at a position. */
function matchLength(pattern: RegExp, source: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(source) ? pattern.lastIndex - at : 0;
}

/** Returns the column after white space at the start of a line. Tabs go to multiples of 8. */
function columnAfter(source: string, start: number, spaces: number): number {
  let column = 0;
  const end = start + Math.min(spaces, MAX_STATEMENT);
  for (let at = start; at < end; at++) column += source[at] === '\t' ? 8 - (column % 8) : 1;
  return column;
}

/** Returns the position of the end of the line. */
function endOfComment(source: string, at: number): number {
  const end = source.indexOf('\n', at);
  return end < 0 ? source.length : end;
}

/** Returns the length of the end of the line after a backslash; 0 if the line is not continued. */
function lengthOfContinuation(source: string, at: number): number {
  if (source[at] === '\n') return 1;
  return source[at] === '\r' && source[at + 1] === '\n' ? 2 : 0;
}

/** Returns the quotes that open a string literal: one or three. */
function quotesAt(source: string, at: number, quote: string): string {
  return source[at + 1] === quote && source[at + 2] === quote ? quote + quote + quote : quote;
}

/** Returns the position after the string literal at `start`. A literal on one line ends at the end of the line. */
function endOfString(source: string, start: number, quotes: string): number {
  const stops = STOPS[quotes] as RegExp;
  for (let at = start + quotes.length; ; at = stops.lastIndex + 1) {
    stops.lastIndex = at;
    if (!stops.test(source)) return source.length;
    const stop = source[stops.lastIndex - 1];
    if (stop === '\n') return stops.lastIndex - 1;
    if (stop !== '\\') return stops.lastIndex;
  }
}
