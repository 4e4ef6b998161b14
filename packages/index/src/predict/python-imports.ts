import { type Lines, StatementReader } from './python-statements.ts';

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
/** Maximum number of modules that the strings of one module name. */
const MAX_STRINGS = 500;
/** Maximum number of dictionaries of one module. */
const MAX_TABLES = 50;

/** Blocks that do not run on import, or not on Linux. */
const SKIPPED_BLOCK =
  /^if\s+(?:typing\.|t\.)?TYPE_CHECKING\b|^if\s+(?:sys\.platform|os\.name)\s*==\s*['"](?:win|nt|darwin|cygwin|emscripten)/;
const TYPE_CHECKING_BLOCK = /^if\s+(?:typing\.|t\.)?TYPE_CHECKING\b/;
/** A name that is called, or an item of a list or of arguments. */
const USE = /(?<![\w.])([A-Za-z_]\w{0,100}(?:\.\w{1,100}){0,8})\s*(?=[(,\])}])/g;
/** An assignment of a dictionary. */
const TABLE = /^\w+\s*(?::[^=]{0,200})?=\s*\{/;
/** The name of a module in quotes. */
const MODULE_NAME = /['"](\.*[A-Za-z_][\w.]{0,200})['"]/g;
/** A string that may name a module, or something in a module: `shop.mail`, `main:app`. */
const MODULE_STRING = /['"]([A-Za-z_]\w{0,100}(?:\.[A-Za-z_]\w{0,100}){0,8})(:[A-Za-z_]\w{0,100})?['"]/g;
const MAIN_BLOCK = /^if\s+__name__\s*==/;
/** A name. Python permits fewer characters that are not ASCII, but V8 needs milliseconds to compile their classes. */
const NAME = String.raw`[A-Za-z_\x80-\uffff][\w\x80-\uffff]*`;
const DEFINITION = new RegExp(`^(?:async\\s+)?(def|class)\\s+(${NAME})`);
const DOTTED = `${NAME}(?:\\s*\\.\\s*${NAME})*`;
const IMPORT = /^import\s+(.+)$/s;
const FROM = new RegExp(`^from\\s*(\\.[.\\s]*)?(${DOTTED})?\\s*import\\s*(.+)$`, 's');
const DOTTED_NAME = new RegExp(`^(${DOTTED})`);
const PLAIN_NAME = new RegExp(`^(${NAME})`);
const CALL = /\b(?:__import__|import_module)\(\s*['"]([\w.]+)['"]/g;

/** What a module does when it is imported or run, and what its functions do if they are called. */
export interface PythonCode {
  /** Imports that run: at the top level, and in classes, `if`, `try` and `with`. */
  readonly imports: readonly PythonImport[];
  /** Functions and classes that it calls or passes on, such as `main` and `app.run`. */
  readonly uses: readonly string[];
  /** The functions and classes of the module, by name. Methods are in their class. */
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
  /** Source of the module. */
  readonly source: string;
  /** Its lines in the source. */
  readonly lines: Lines;
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
  let inClass: { readonly indent: number; readonly lines: { readonly start: number; end: number } } | undefined;
  /** Indentation of the `except` that contains the statement. */
  let fallback: number | undefined;
  const reader = new StatementReader(source);
  while (reader.next()) {
    const { indent, text } = reader;
    if (inClass !== undefined && indent <= inClass.indent) inClass = undefined;
    if (inClass !== undefined) inClass.lines.end = reader.end;
    if (fallback !== undefined && indent <= fallback) fallback = undefined;
    const definition = DEFINITION.exec(text);
    const kind = definition?.[1];
    const name = definition?.[2] ?? '';
    if (kind === 'def') {
      const lines = reader.skipBlock(indent);
      if (inClass !== undefined) inClass.lines.end = lines.end;
      else bodies.set(name, { kind: 'function', source, lines });
      continue;
    }
    if (kind === 'class' && inClass === undefined) {
      inClass = { indent, lines: { start: reader.end, end: reader.end } };
      bodies.set(name, { kind: 'class', source, lines: inClass.lines });
    }
    if (SKIPPED_BLOCK.test(text) || (!isMain && MAIN_BLOCK.test(text))) {
      const lines = reader.skipBlock(indent);
      if (inClass !== undefined) inClass.lines.end = lines.end;
      if (!TYPE_CHECKING_BLOCK.test(text)) continue;
      const skipped = new StatementReader(source, lines);
      while (skipped.next()) addImports(skipped.text, false, lazyImports);
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

/** Returns what strings of a source may name: modules, or attributes of modules. A name without dots needs a colon after it. */
export function findNamesInStrings(source: string): readonly string[] {
  const names = new Set<string>();
  for (const [, name = '', attribute] of source.matchAll(MODULE_STRING)) {
    if (attribute !== undefined || name.includes('.')) names.add(name);
    if (names.size >= MAX_STRINGS) break;
  }
  return [...names];
}

/** Finds what a function does when it is called, or what all methods of a class do. */
export function readPythonBody({ source, lines }: PythonBody): Pick<PythonCode, 'imports' | 'uses'> {
  const imports: PythonImport[] = [];
  const uses = new Set<string>();
  let fallback: number | undefined;
  const reader = new StatementReader(source, lines);
  while (reader.next()) {
    const { indent, text } = reader;
    if (SKIPPED_BLOCK.test(text)) {
      reader.skipBlock(indent);
      continue;
    }
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
  // Most statements have none of the characters that can follow a name.
  if (uses.size >= MAX_USES || !/[(,\])}]/.test(text) || /^(?:import|from)\s/.test(text)) return;
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
  if (!statement.includes('import_')) return;
  for (const [, module = ''] of statement.matchAll(CALL)) imports.push({ module, names: [], isFallback });
}
