/** An import statement that runs when a module is imported. */
export interface PythonImport {
  /** Module: `a.b`. Relative imports start with a dot for each level, as in the source. */
  readonly module: string;
  /** Names that are imported from the module. Each may be a module itself. */
  readonly names: readonly string[];
  /** Whether it is in an `except` block, and so only runs if another import fails. */
  readonly isFallback: boolean;
}

/** Maximum number of imports of one module. */
const MAX_IMPORTS = 2000;
/** Maximum length of a statement that is looked at, in UTF-16 units. */
const MAX_STATEMENT = 32 << 10;

/** Blocks that do not run on import, or not on Linux. */
const SKIPPED_BLOCK =
  /^(?:async\s+)?def\s|^if\s+(?:typing\.|t\.)?TYPE_CHECKING\b|^if\s+(?:sys\.platform|os\.name)\s*==\s*['"](?:win|nt|darwin|cygwin|emscripten)/;
const MAIN_BLOCK = /^if\s+__name__\s*==/;
const NAME = String.raw`[\p{L}_][\p{L}\p{N}_]*`;
const DOTTED = `${NAME}(?:\\s*\\.\\s*${NAME})*`;
const IMPORT = /^import\s+(.+)$/s;
const FROM = new RegExp(`^from\\s*(\\.[.\\s]*)?(${DOTTED})?\\s*import\\s*(.+)$`, 'su');
const DOTTED_NAME = new RegExp(`^(${DOTTED})`, 'u');
const PLAIN_NAME = new RegExp(`^(${NAME})`, 'u');
const CALL = /\b(?:__import__|import_module)\(\s*['"]([\w.]+)['"]/g;

/**
 * Finds the imports that run when a module is imported: at the top level, and in classes, `if`, `try` and `with`. Those in
 * functions and in blocks for type checkers or other systems are left out. Bounded: one pass over the text.
 *
 * @param isMain - Whether the module runs as a program, so that `if __name__ == "__main__"` runs.
 */
export function findPythonImports(source: string, { isMain = false } = {}): readonly PythonImport[] {
  const imports: PythonImport[] = [];
  /** Indentation of a block that is skipped. */
  let skipped: number | undefined;
  /** Indentation of the `except` that contains the statement. */
  let fallback: number | undefined;
  for (const { indent, text } of statements(source)) {
    if (skipped !== undefined && indent > skipped) continue;
    skipped = undefined;
    if (fallback !== undefined && indent <= fallback) fallback = undefined;
    if (SKIPPED_BLOCK.test(text) || (!isMain && MAIN_BLOCK.test(text))) {
      skipped = indent;
      continue;
    }
    if (/^except\b/.test(text)) fallback = indent;
    // A block on one line: `try: import x`.
    const body = text.replace(/^(?:try|else|finally|except\b[^:]*|(?:el)?if\b[^:]*|with\b[^:]*)\s*:\s*/, '');
    for (const statement of body.split(';')) addImports(statement.trim(), fallback !== undefined, imports);
    if (imports.length >= MAX_IMPORTS) break;
  }
  return imports;
}

function addImports(statement: string, isFallback: boolean, imports: PythonImport[]): void {
  const [, modules] = IMPORT.exec(statement) ?? [];
  for (const part of modules?.split(',') ?? []) {
    const [, module] = DOTTED_NAME.exec(part.trim()) ?? [];
    if (module !== undefined) imports.push({ module: module.replaceAll(/\s/g, ''), names: [], isFallback });
  }
  const [, dots = '', module = '', list] = FROM.exec(statement) ?? [];
  if (list !== undefined && dots + module !== '') {
    const names = list
      .replaceAll(/[()]/g, '')
      .split(',')
      .flatMap((part) => PLAIN_NAME.exec(part.trim())?.[1] ?? []);
    imports.push({ module: `${dots}${module}`.replaceAll(/\s/g, ''), names, isFallback });
  }
  for (const [, module = ''] of statement.matchAll(CALL)) imports.push({ module, names: [], isFallback });
}

/** Characters that have no meaning outside of names and operators. */
const PLAIN = /[^\s#\\"'()[\]{}]+/y;
const SPACES = /[^\S\r\n]+/y;

/** Yields the logical lines of a module with their indentation: continued lines are joined, strings of several lines and comments removed. */
function* statements(source: string): Generator<{ readonly indent: number; readonly text: string }> {
  let text = '';
  let indent = 0;
  let depth = 0;
  let atStart = true;
  let at = source.startsWith('\ufeff') ? 1 : 0;
  // One space at most: the patterns above take quadratic time for many.
  const addSpace = () => {
    if (text !== '' && !text.endsWith(' ')) text += ' ';
  };
  while (at < source.length) {
    const character = source[at] as string;
    if (character === '\n' || character === '\r') {
      at++;
      if (depth > 0) {
        addSpace();
        continue;
      }
      if (text !== '') yield { indent, text: text.trimEnd() };
      [text, indent, atStart] = ['', 0, true];
      continue;
    }
    const spaces = matchLength(SPACES, source, at);
    if (spaces > 0) {
      if (atStart) indent = indentAfter(source.slice(at, Math.min(at + spaces, at + MAX_STATEMENT)));
      else addSpace();
      at += spaces;
      continue;
    }
    atStart = false;
    const plain = matchLength(PLAIN, source, at);
    if (plain > 0) {
      if (text.length < MAX_STATEMENT) text += source.slice(at, Math.min(at + plain, at + MAX_STATEMENT));
      at += plain;
    } else if (character === '#') {
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end;
    } else if (character === '\\') {
      const isContinued = /^\\\r?\n/.test(source.slice(at, at + 3));
      at += !isContinued ? 1 : source[at + 1] === '\r' ? 3 : 2;
      addSpace();
    } else if (character === '"' || character === "'") {
      const end = endOfString(source, at);
      // Short strings are kept for names of systems and modules.
      const isKept = end - at <= 256 && !source.startsWith(character.repeat(3), at);
      if (text.length < MAX_STATEMENT) text += isKept ? source.slice(at, end) : character + character;
      at = end;
    } else {
      if (character === '(' || character === '[' || character === '{') depth++;
      else if (depth > 0) depth--;
      if (text.length < MAX_STATEMENT) text += character;
      at++;
    }
  }
  if (text !== '') yield { indent, text: text.trimEnd() };
}

/** Returns the length of the match of a sticky pattern at a position. */
function matchLength(pattern: RegExp, source: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(source) ? pattern.lastIndex - at : 0;
}

/** Returns the column after white space at the start of a line. Tabs go to multiples of 8. */
function indentAfter(spaces: string): number {
  let indent = 0;
  for (const space of spaces) indent += space === '\t' ? 8 - (indent % 8) : 1;
  return indent;
}

/** Returns the position after the string literal at `start`. A literal on one line ends at the end of the line. */
function endOfString(source: string, start: number): number {
  const quote = source[start] as string;
  const triple = quote.repeat(3);
  const isTriple = source.startsWith(triple, start);
  let at = start + (isTriple ? 3 : 1);
  while (at < source.length) {
    if (source[at] === '\\') at += 2;
    else if (isTriple && source.startsWith(triple, at)) return at + 3;
    else if (!isTriple && source[at] === quote) return at + 1;
    else if (!isTriple && source[at] === '\n') return at;
    else at++;
  }
  return source.length;
}
