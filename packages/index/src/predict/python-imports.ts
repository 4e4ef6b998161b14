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
/** Maximum number of names that one module or function uses. */
const MAX_USES = 2000;
/** Maximum number of dictionaries of one module. */
const MAX_TABLES = 50;
/** Maximum length of a statement that is looked at, in UTF-16 units. */
const MAX_STATEMENT = 32 << 10;

/** Blocks that do not run on import, or not on Linux. */
const SKIPPED_BLOCK =
  /^if\s+(?:typing\.|t\.)?TYPE_CHECKING\b|^if\s+(?:sys\.platform|os\.name)\s*==\s*['"](?:win|nt|darwin|cygwin|emscripten)/;
const TYPE_CHECKING_BLOCK = /^if\s+(?:typing\.|t\.)?TYPE_CHECKING\b/;
const DEFINITION = /^(?:async\s+)?(def|class)\s+([\p{L}_][\p{L}\p{N}_]*)/u;
/** A name that is called, or an item of a list or of arguments. */
const USE = /(?<![\w.])([A-Za-z_]\w{0,100}(?:\.\w{1,100}){0,8})\s*(?=[(,\])}])/g;
/** An assignment of a dictionary. */
const TABLE = /^\w+\s*(?::[^=]{0,200})?=\s*\{/;
/** The name of a module in quotes. */
const MODULE_NAME = /['"](\.*[A-Za-z_][\w.]{0,200})['"]/g;
const MAIN_BLOCK = /^if\s+__name__\s*==/;
const NAME = String.raw`[\p{L}_][\p{L}\p{N}_]*`;
const DOTTED = `${NAME}(?:\\s*\\.\\s*${NAME})*`;
const IMPORT = /^import\s+(.+)$/s;
const FROM = new RegExp(`^from\\s*(\\.[.\\s]*)?(${DOTTED})?\\s*import\\s*(.+)$`, 'su');
const DOTTED_NAME = new RegExp(`^(${DOTTED})`, 'u');
const PLAIN_NAME = new RegExp(`^(${NAME})`, 'u');
const CALL = /\b(?:__import__|import_module)\(\s*['"]([\w.]+)['"]/g;

/** A logical line of a module. */
interface Statement {
  readonly indent: number;
  readonly text: string;
}

/** What a module does when it is imported or run, and what its functions do if they are called. */
export interface PythonCode {
  /** Imports that run: at the top level, and in classes, `if`, `try` and `with`. */
  readonly imports: readonly PythonImport[];
  /** Functions and classes that it calls or passes on, such as `main` and `app.run`. */
  readonly uses: readonly string[];
  /** Statements of the functions and classes of the module, by name. Methods are in their class. */
  readonly bodies: ReadonlyMap<string, PythonBody>;
  /** Where the names are that the module imports when they are used. Only if it has `__getattr__` (PEP 562). */
  readonly lazyNames: LazyNames | undefined;
}

/** Names that a module imports when they are used. */
interface LazyNames {
  /** Imports for type checkers. */
  readonly imports: readonly PythonImport[];
  /** Statements with dictionaries, which often have the names as keys. */
  readonly tables: readonly string[];
}

/** A function or class of a module. */
export interface PythonBody {
  readonly kind: 'class' | 'function';
  readonly statements: readonly Statement[];
}

/** Options of {@link readPythonCode}. */
interface CodeOptions {
  /** Whether the module runs as a program, so that `if __name__ == "__main__"` runs. */
  readonly isMain?: boolean;
}

/**
 * Finds what runs when a module is imported. Functions do not run unless {@link PythonCode.uses} names them; blocks for other
 * systems and for type checkers do not run at all. Bounded: one pass over the text.
 */
export function readPythonCode(source: string, { isMain = false }: CodeOptions = {}): PythonCode {
  const imports: PythonImport[] = [];
  const lazyImports: PythonImport[] = [];
  const tables: string[] = [];
  const uses = new Set<string>();
  const bodies = new Map<string, PythonBody>();
  /** Indentation of a block that is skipped, or collected in `collected`. */
  let skipped: number | undefined;
  let collected: Statement[] | undefined;
  let typeChecking: number | undefined;
  let inClass: { readonly indent: number; readonly statements: Statement[] } | undefined;
  /** Indentation of the `except` that contains the statement. */
  let fallback: number | undefined;
  for (const statement of statements(source)) {
    const { indent, text } = statement;
    if (inClass !== undefined && indent <= inClass.indent) inClass = undefined;
    inClass?.statements.push(statement);
    if (skipped !== undefined && indent > skipped) {
      collected?.push(statement);
      if (typeChecking !== undefined) addImports(text, false, lazyImports);
      continue;
    }
    [skipped, collected, typeChecking] = [undefined, undefined, undefined];
    if (fallback !== undefined && indent <= fallback) fallback = undefined;
    const [, kind, name = ''] = DEFINITION.exec(text) ?? [];
    if (kind === 'def') {
      skipped = indent;
      if (inClass === undefined) {
        collected = [];
        bodies.set(name, { kind: 'function', statements: collected });
      }
      continue;
    }
    if (kind === 'class' && inClass === undefined) {
      inClass = { indent, statements: [] };
      bodies.set(name, { kind: 'class', statements: inClass.statements });
    }
    if (SKIPPED_BLOCK.test(text) || (!isMain && MAIN_BLOCK.test(text))) {
      skipped = indent;
      if (TYPE_CHECKING_BLOCK.test(text)) typeChecking = indent;
      continue;
    }
    if (/^except\b/.test(text)) fallback = indent;
    addStatement(text, fallback !== undefined, imports);
    if (isMain || bodies.size > 0) addUses(text, uses, (each) => isMain || bodies.get(each)?.kind === 'function');
    if (TABLE.test(text) && tables.length < MAX_TABLES) tables.push(text);
    if (imports.length >= MAX_IMPORTS) break;
  }
  const lazyNames = bodies.has('__getattr__') ? { imports: lazyImports, tables } : undefined;
  return { imports, uses: [...uses], bodies, lazyNames };
}

/** Finds the imports of a module for a name that others import from it. Dictionaries give candidates, which may not exist. */
export function findLazyImports({ imports, tables }: LazyNames, name: string): readonly PythonImport[] {
  const known = imports.filter(({ names }) => names.includes(name));
  if (known.length > 0) return known;
  return tables.flatMap((table) => {
    const at = table.search(new RegExp(`['"]${name}['"]\\s*:`));
    const [, value = ''] =
      at < 0 ? [] : (/^[^:]*:\s*(\([^()]{0,512}\)|['"][^'"]{0,512}['"])/.exec(table.slice(at)) ?? []);
    return Array.from(value.matchAll(MODULE_NAME), ([, module = '']) => ({ module, names: [], isFallback: false }));
  });
}

/** Finds what a function does when it is called, or what all methods of a class do. */
export function readPythonBody({ statements }: PythonBody): Pick<PythonCode, 'imports' | 'uses'> {
  const imports: PythonImport[] = [];
  const uses = new Set<string>();
  let skipped: number | undefined;
  let fallback: number | undefined;
  for (const { indent, text } of statements) {
    if (skipped !== undefined && indent > skipped) continue;
    skipped = SKIPPED_BLOCK.test(text) ? indent : undefined;
    if (skipped !== undefined) continue;
    if (fallback !== undefined && indent <= fallback) fallback = undefined;
    if (/^except\b/.test(text)) fallback = indent;
    addStatement(text, fallback !== undefined, imports);
    addUses(text, uses, () => true);
    if (imports.length >= MAX_IMPORTS) break;
  }
  return { imports, uses: [...uses] };
}

/** Adds the imports of a statement. It may be a block on one line: `try: import x`. */
function addStatement(text: string, isFallback: boolean, imports: PythonImport[]): void {
  // Few statements are imports, and the patterns take longer.
  if (!text.includes('import')) return;
  const body = text.replace(/^(?:try|else|finally|except\b[^:]*|(?:el)?if\b[^:]*|with\b[^:]*)\s*:\s*/, '');
  for (const statement of body.split(';')) addImports(statement.trim(), isFallback, imports);
}

/** Adds the names of functions that a statement calls or passes on. */
function addUses(text: string, uses: Set<string>, isWanted: (name: string) => boolean): void {
  if (uses.size >= MAX_USES || /^(?:import|from)\s/.test(text)) return;
  const code = text.replaceAll(/'[^']*'|"[^"]*"/g, '""');
  for (const [, name = ''] of code.matchAll(USE)) if (isWanted(name)) uses.add(name);
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

/** Characters that have no meaning outside of names and operators, with single spaces between them. */
const PLAIN = /[^\s#\\"'()[\]{}]+(?: [^\s#\\"'()[\]{}]+)*/y;
const SPACES = /[^\S\r\n]+/y;

/** Yields the logical lines of a module with their indentation: continued lines are joined, strings of several lines and comments removed. */
function* statements(source: string): Generator<Statement> {
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

/** What ends a string literal, by its quotes, or escapes a character in it. */
const STOPS: Readonly<Record<string, RegExp>> = {
  "'": /[\\\n']/g,
  '"': /[\\\n"]/g,
  "'''": /\\|'''/g,
  '"""': /\\|"""/g,
};

/** Returns the position after the string literal at `start`. A literal on one line ends at the end of the line. */
function endOfString(source: string, start: number): number {
  const quote = source[start] as string;
  const triple = quote.repeat(3);
  const quotes = source.startsWith(triple, start) ? triple : quote;
  const stops = STOPS[quotes] as RegExp;
  for (let at = start + quotes.length; ; at = stops.lastIndex + 1) {
    stops.lastIndex = at;
    const stop = stops.exec(source);
    if (stop === null) return source.length;
    if (stop[0] !== '\\') return stop[0] === '\n' ? stop.index : stops.lastIndex;
  }
}
