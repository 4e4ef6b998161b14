/** Maximum length of a statement that is looked at, in UTF-16 units. */
const MAX_STATEMENT = 32 << 10;
/** Maximum length of a string that is kept, for names of systems and modules. */
const MAX_KEPT_STRING = 256;

/** Characters that have no meaning outside of names and operators, with single spaces between them. */
const PLAIN = /[^\s#\\"'()[\]{}]+(?: [^\s#\\"'()[\]{}]+)*/y;

// Patterns for whole statements and blocks. V8 runs them faster than code that looks at each character, and a start has too
// little Python to make V8 optimize such code. They take linear time: each character matches in one way. What they do not
// match, such as deeper brackets, is read character by character.

/** A string on one line. */
const STRING = String.raw`"(?!"")[^\n\\"]*(?:\\[^\r\n][^\n\\"]*)*"|'(?!'')[^\n\\']*(?:\\[^\r\n][^\n\\']*)*'`;
/** A string with three quotes. */
const LONG_STRING = String.raw`"""[^\\"]*(?:(?:\\[^]|"(?!""))[^\\"]*)*"""|'''[^\\']*(?:(?:\\[^]|'(?!''))[^\\']*)*'''`;
/** Brackets with what is in them, on any number of lines, three deep. */
const BRACKETS = bracketsOf(bracketsOf(bracketsOf()));
/** A statement, or an empty line, with the end of the line. */
const STATEMENT = String.raw`[^\r\n#\\"'()[\]{}]*(?:(?:${LONG_STRING}|${STRING}|${BRACKETS}|\\\r?\n|\\(?!\r?\n))[^\r\n#\\"'()[\]{}]*)*(?:#[^\n]*\n|\r?\n)`;
const WHOLE_STATEMENT = new RegExp(STATEMENT, 'y');
/** A statement on one line that is kept as it is: it has no comment, no long string, and no spaces that are left out. */
const PLAIN_STATEMENT = plainStatement();

/** Patterns for the lines of a block, by the indentation of the statement before it. */
const BLOCKS = new Map<number, RegExp>();
/** Maximum number of these patterns. */
const MAX_BLOCKS = 16;

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
    const block = blockOf(indent);
    while (this.#at < this.#end) {
      if (block !== undefined) this.#at += matchLength(block, source, this.#at);
      if (this.#at >= this.#end) break;
      const spaces = matchLength(SPACES, source, this.#at);
      const at = this.#at + spaces;
      const first = source[at];
      const isEmpty = first === '\n' || first === '\r' || first === '#';
      if (!isEmpty && columnAfter(source, this.#at, spaces) <= indent) break;
      const length = matchLength(WHOLE_STATEMENT, source, at);
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
        at += source.startsWith('\r\n', at) ? 2 : 1;
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
      if (isLineStart && kind !== SPECIAL) {
        const length = matchLength(PLAIN_STATEMENT, source, at);
        if (length > 0 && length < MAX_STATEMENT && at + length <= this.#end) {
          this.#text = source.slice(at, at + length).trimEnd();
          this.#at = at + length;
          return true;
        }
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

/** Returns a pattern for brackets. @param inner - Pattern for brackets in them. Default: none. */
function bracketsOf(inner?: string): string {
  const parts = [LONG_STRING, STRING, ...(inner === undefined ? [] : [inner]), String.raw`#[^\n]*\n|\\`];
  return String.raw`[([{][^#\\"'()[\]{}]*(?:(?:${parts.join('|')})[^#\\"'()[\]{}]*)*[)\]}]`;
}

function plainStatement(): RegExp {
  const text = String.raw`[^\s#\\"'()[\]{}]*`;
  const part = String.raw`"(?!"")[^\n\\"]{0,254}"|'(?!'')[^\n\\']{0,254}'| (?=[^\s#\\])`;
  const inner = String.raw`[([{]${text}(?:(?:${part})${text})*[)\]}]`;
  const outer = String.raw`[([{]${text}(?:(?:${part}|${inner})${text})*[)\]}]`;
  return new RegExp(String.raw`${text}(?:(?:${part}|${outer})${text})*\r?\n`, 'y');
}

/** Returns the pattern for the lines of a block: empty ones, and statements after more than `indent` spaces. */
function blockOf(indent: number): RegExp | undefined {
  const known = BLOCKS.get(indent);
  if (known !== undefined || BLOCKS.size >= MAX_BLOCKS) return known;
  const block = new RegExp(String.raw`(?:[ \t]*(?:#[^\n]*\n|\r?\n)| {${indent + 1}}${STATEMENT})+`, 'y');
  BLOCKS.set(indent, block);
  return block;
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
