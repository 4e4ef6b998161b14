/** A module that a JavaScript module loads. */
export interface NodeImport {
  /** Relative path, name of a package, or `#name`. */
  readonly specifier: string;
  /** Whether it is loaded by an `import` or `export` statement, not by `require`. */
  readonly isImport: boolean;
}

/** Maximum number of imports of one module. */
const MAX_IMPORTS = 2000;
/** Maximum depth of brackets. */
const MAX_DEPTH = 1000;
/** Maximum depth of templates in templates. */
const MAX_NESTING = 50;
/** Maximum length of a specifier, in UTF-16 units. */
const MAX_SPECIFIER = 512;

/** Words before a bracket whose block is not a function. */
const CONTROL: ReadonlySet<string> = new Set(['catch', 'for', 'if', 'switch', 'while', 'with']);
/** Words after which a slash starts a regular expression. */
const BEFORE_EXPRESSION: ReadonlySet<string> = new Set(
  'await case delete do else in instanceof new of return throw typeof void yield'.split(' '),
);

/**
 * Finds the modules that load when a module loads: `require("x")` and `import("x")` outside of functions, `import` and
 * `export ... from`.
 * Code of functions that are called immediately counts as outside. Bounded: one pass over the text.
 *
 * This is not a parser: malformed modules give some imports or none.
 */
export function findNodeImports(source: string): readonly NodeImport[] {
  const imports: NodeImport[] = [];
  /** Open brackets, with whether each starts the body of a function, and the word before a parenthesis. */
  const open: {
    readonly bracket: string;
    readonly isFunction: boolean;
    readonly word: string;
    readonly isCalled: boolean;
  }[] = [];
  let functions = 0;
  let word = '';
  /** Last character that is not a space or part of a comment. */
  let last = '';
  /** Word before the last parenthesis that was closed. */
  let closedWord = '';
  let isCalled = false;
  /** Whether the last word is the result of an arrow function, with or without `await`. */
  let isResult = false;
  /** Whether the statement is an `import` or `export` that waits for its specifier. */
  let isStatement = false;
  let at = 0;

  const add = (specifier: string, isImport: boolean) => {
    if (specifier.length <= MAX_SPECIFIER && functions === 0) imports.push({ specifier, isImport });
  };

  while (at < source.length && imports.length < MAX_IMPORTS) {
    const character = source[at] as string;
    if (isSpace(character)) {
      at++;
      continue;
    }
    if (character === '/' && source[at + 1] === '/') {
      at = positionOf(source, '\n', at);
      continue;
    }
    if (character === '/' && source[at + 1] === '*') {
      at = positionOf(source, '*/', at + 2) + 2;
      continue;
    }
    if (character === '#' && at === 0) {
      at = positionOf(source, '\n', at);
      continue;
    }
    if (isWord(character)) {
      const start = at;
      while (at < source.length && isWord(source[at] as string)) at++;
      const isProperty = last === '.';
      isResult = last === '>' || (isResult && word === 'await');
      word = isProperty ? '' : source.slice(start, Math.min(at, start + 32));
      if (open.length === 0 && (word === 'import' || word === 'export')) isStatement = true;
      // In braces, such a word is a name: `export { default as x } from "x"`.
      else if (open.length === 0 && ['const', 'let', 'var', 'function', 'class', 'default', 'async'].includes(word))
        isStatement = false;
      if (word === 'function') isCalled = last === '(' || last === '!' || last === ';' || last === '+';
      last = source[at - 1] as string;
      continue;
    }
    if (character === '"' || character === "'") {
      const end = endOfString(source, at);
      const text = source.slice(at + 1, Math.max(end - 1, at + 1));
      const opened = last === '(' ? open.at(-1) : undefined;
      if (isStatement && (word === 'from' || word === 'import')) add(text, true);
      else if (opened?.word === 'import' && !isResult && /^\s*[,)]/.test(source.slice(end, end + 8))) add(text, true);
      else if (opened?.word === 'require' && /^\s*\)/.test(source.slice(end, end + 8))) add(text, false);
      isStatement &&= word !== 'from' && word !== 'import';
      [at, last, word] = [end, '"', ''];
      continue;
    }
    if (character === '`') {
      at = endOfTemplate(source, at);
      [last, word] = ['"', ''];
      continue;
    }
    if (character === '/' && (BEFORE_EXPRESSION.has(word) ? isWord(last) : '(,=:[!&|?{};+-*%~^<>'.includes(last))) {
      at = endOfExpression(source, at);
      [last, word] = ['"', ''];
      continue;
    }
    if (character === '(' || character === '[' || character === '{') {
      const isBody =
        character === '{' && ((last === ')' && !CONTROL.has(closedWord)) || (last === '>' && source[at - 1] !== '>'));
      const isArrow = character === '{' && last === '>';
      const isFunction = (isBody || isArrow) && !(last === ')' && isCalled);
      if (isBody) isCalled = false;
      if (isFunction) functions++;
      if (open.length < MAX_DEPTH)
        open.push({ bracket: character, isFunction, word: character === '(' ? word : '', isCalled });
      // An import() expression, or the names of a statement.
      if (character === '(' && word === 'import') isStatement = false;
    } else if (character === ')' || character === ']' || character === '}') {
      const closed = open.pop();
      if (closed?.isFunction) functions--;
      if (character === ')') closedWord = closed?.word ?? '';
    } else if (character === ';') isStatement = false;
    [last, word] = [character, ''];
    at++;
  }
  return imports;
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r' || character === '\ufeff';
}

function isWord(character: string): boolean {
  return /[\w$]/.test(character) || character > '\x7f';
}

/** Returns the position of the next `text`, or the end. */
function positionOf(source: string, text: string, start: number): number {
  const found = source.indexOf(text, start);
  return found < 0 ? source.length : found;
}

/** Returns the position after a string literal, which ends at the end of the line at the latest. */
function endOfString(source: string, start: number): number {
  const quote = source[start];
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === quote) return at + 1;
    else if (source[at] === '\n') return at;
  }
  return source.length;
}

/** Returns the position after a template literal. Expressions in it are skipped, up to a depth of templates in templates. */
function endOfTemplate(source: string, start: number, nesting = 0): number {
  let depth = 0;
  for (let at = start + 1; at < source.length; at++) {
    const character = source[at] as string;
    if (character === '\\') at++;
    else if (character === '$' && source[at + 1] === '{') {
      depth++;
      at++;
    } else if (depth === 0) {
      if (character === '`') return at + 1;
    } else if (character === '{') depth++;
    else if (character === '}') depth--;
    else if (character === '`' && nesting < MAX_NESTING) at = endOfTemplate(source, at, nesting + 1) - 1;
    else if (character === '"' || character === "'") at = endOfString(source, at) - 1;
  }
  return source.length;
}

/** Returns the position after a regular expression, which ends at the end of the line at the latest. */
function endOfExpression(source: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < source.length; at++) {
    const character = source[at];
    if (character === '\\') at++;
    else if (character === '\n') return at;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
    else if (character === '/' && !inClass) return at + 1;
  }
  return source.length;
}
