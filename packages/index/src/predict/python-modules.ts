import { posix } from 'node:path';
import { type ElfFile, parseElf } from './elf.ts';
import type { FoundFile } from './image-files.ts';
import type { LibraryFinder } from './libraries.ts';
import type { Origin, Prediction } from './prediction.ts';
import {
  findLazyImports,
  type PythonBody,
  type PythonCode,
  type PythonImport,
  readPythonBody,
  readPythonCode,
} from './python-imports.ts';

/** Version of a Python interpreter. */
export interface PythonVersion {
  readonly major: number;
  readonly minor: number;
}

/** Maximum size of a module whose imports are searched, in bytes. */
const MAX_SOURCE_SIZE = 512 << 10;
/** Maximum number of directories that are searched for a module. */
const MAX_SEARCH_PATH = 256;
/** Maximum size of the strings of an extension module that are searched for modules, in bytes. */
const MAX_STRINGS_SIZE = 2 << 20;
/** Maximum number of modules that an extension module names. */
const MAX_NAMED_MODULES = 1000;
/** A dotted name in the strings of an extension module, NumPy, which many use, or the common code of modules of mypyc. */
const MODULE_STRING = /(?<=\0)(?:numpy|\w+__mypyc|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?=\0)/g;
/** Maximum length of the name of a module. */
const MAX_NAME = 512;
/** Maximum number of names that are remembered for a module that was not visited yet. */
const MAX_WANTED = 500;
/** Maximum number of calls from one function to the next. */
const MAX_CALLS = 8;
/** Size of the header of a `.pyc` file (PEP 552), in bytes. */
const PYC_HEADER_SIZE = 16;

/** Modules that the interpreter contains since 3.11, so that their files are not read (Python/frozen.c). */
const FROZEN: ReadonlySet<string> = new Set([
  '_collections_abc',
  '_sitebuiltins',
  'abc',
  'codecs',
  'genericpath',
  'importlib._bootstrap',
  'importlib._bootstrap_external',
  'importlib.machinery',
  'importlib.util',
  'io',
  'ntpath',
  'os',
  'posixpath',
  'runpy',
  'site',
  'stat',
  'zipimport',
]);

/** Where a name was found in a search path. */
interface Located {
  /** Directory of a package, for its modules. */
  readonly directories: readonly string[];
  /** Source, compiled or extension file. `undefined` for a package without `__init__`. */
  readonly path: string | undefined;
}

/** Names in a directory, with its extension modules by the name of the module. */
interface Listing {
  readonly names: ReadonlySet<string>;
  readonly extensions: ReadonlyMap<string, string>;
}

/** A module whose code runs. */
interface PythonModule {
  readonly code: PythonCode;
  /** Package of relative imports. */
  readonly inPackage: string;
  /** Origin of what it imports. */
  readonly origin: Origin;
}

/** How the code of a module runs. */
interface RunOptions {
  /** Whether it is the program. */
  readonly isMain?: boolean;
  /** Whether functions that it calls import modules. @default true */
  readonly callsFunctions?: boolean;
}

/** Options of {@link PythonModules}. */
interface PythonModulesOptions {
  readonly prediction: Prediction;
  readonly libraries: LibraryFinder;
  readonly version: PythonVersion;
  /** Directory of the standard modules. */
  readonly library: string;
  readonly searchPath: readonly string[];
}

/** Predicts the modules that a Python program imports, one interpreter each. @see importlib/_bootstrap_external.py */
export class PythonModules {
  readonly #prediction: Prediction;
  readonly #libraries: LibraryFinder;
  readonly #version: PythonVersion;
  readonly #library: string;
  #searchPath: readonly string[];
  readonly #listings = new Map<string, Promise<Listing | undefined>>();
  /** Imported modules by name. */
  readonly #imported = new Map<string, Promise<Located | undefined>>();
  /** Modules that import their names when they are used, by path. */
  readonly #lazy = new Map<string, PythonModule>();
  /** Names that others import from a module that was not visited yet, by path. */
  readonly #wanted = new Map<string, string[]>();
  /** Code of modules whose functions are called, by path. */
  readonly #codes = new Map<string, Promise<PythonCode | undefined>>();
  readonly #called = new Set<PythonBody>();

  constructor({ prediction, libraries, version, library, searchPath }: PythonModulesOptions) {
    this.#prediction = prediction;
    this.#libraries = libraries;
    this.#version = version;
    this.#library = library;
    this.#searchPath = searchPath;
  }

  searchFirst(directory: string): void {
    this.#searchPath = [directory, ...this.#searchPath].slice(0, MAX_SEARCH_PATH);
  }

  searchLast(directory: string): void {
    if (!this.#searchPath.includes(directory))
      this.#searchPath = [...this.#searchPath, directory].slice(0, MAX_SEARCH_PATH);
  }

  /** Predicts a module, the packages that contain it, and later what it imports. @returns Whether it was found. */
  async import(name: string, origin: Origin): Promise<boolean> {
    return (await this.#import(name, origin)) !== undefined;
  }

  /** Predicts the module that `python -m` runs. */
  async runModule(name: string, origin: Origin): Promise<void> {
    const found = await this.#import(name, origin);
    if (found === undefined) return;
    const main = found.directories.length > 0 ? await this.#import(`${name}.__main__`, origin) : found;
    const file = main?.path === undefined ? undefined : await this.#prediction.files.find(main.path);
    if (file !== undefined) this.scan(file, main === found ? parentOf(name) : name, origin, { isMain: true });
  }

  /** Visits a source file for what it imports. @param inPackage - Package of relative imports. */
  scan(file: FoundFile, inPackage: string, origin: Origin, options: RunOptions = {}): void {
    this.#prediction.visit(options.isMain ? 'python main' : 'python', file, origin, async () => {
      const source = await this.#prediction.files.readText(file, MAX_SOURCE_SIZE);
      const next: Origin = { reason: 'import', from: file.path, depth: origin.depth + 1 };
      if (source !== undefined) await this.addSource(source, inPackage, next, options);
    });
  }

  /** Predicts what source code imports when it runs. */
  async addSource(
    source: string,
    inPackage: string,
    origin: Origin,
    { isMain = false, callsFunctions = true }: RunOptions = {},
  ): Promise<void> {
    const code = readPythonCode(source, { isMain });
    const module: PythonModule = { code, inPackage, origin };
    await this.#addImports(code.imports, module);
    if (code.lazyNames !== undefined && origin.from !== undefined) {
      this.#lazy.set(origin.from, module);
      const wanted = this.#wanted.get(origin.from) ?? [];
      this.#wanted.delete(origin.from);
      for (const name of wanted) await this.#addLazyName(name, module);
    }
    if (callsFunctions) for (const name of code.uses) await this.#call(name, module, { isMain, depth: 0 });
  }

  async #addImports(imports: readonly PythonImport[], { inPackage, origin }: PythonModule): Promise<void> {
    let isComplete = true;
    for (const { module, names, isFallback } of imports) {
      if (isFallback && isComplete) continue;
      const name = absoluteName(module, inPackage);
      if (name === undefined) continue;
      const found = name === '' ? undefined : await this.#import(name, origin);
      if (found === undefined) isComplete &&= isBuiltIn(name);
      else for (const each of names) await this.#importName(found, name, each, origin);
    }
  }

  /** Imports a name from a module: a module in a package, or a name that the module imports when it is used. */
  async #importName(found: Located, module: string, name: string, origin: Origin): Promise<void> {
    if (await this.#hasModule(found, name)) await this.#import(`${module}.${name}`, origin);
    else if (found.path !== undefined) {
      const lazy = this.#lazy.get(found.path);
      if (lazy !== undefined) await this.#addLazyName(name, lazy);
      else {
        const wanted = this.#wanted.get(found.path) ?? [];
        this.#wanted.set(found.path, wanted);
        if (wanted.length < MAX_WANTED) wanted.push(name);
      }
    }
  }

  async #addLazyName(name: string, module: PythonModule): Promise<void> {
    const { lazyNames } = module.code;
    if (lazyNames !== undefined) await this.#addImports(findLazyImports(lazyNames, name), module);
  }

  /**
   * Predicts what a call imports: of a function of the same module, and if the program itself calls, also of a class and of
   * other modules.
   */
  async #call(
    name: string,
    module: PythonModule,
    { isMain, depth }: { isMain: boolean; depth: number },
  ): Promise<void> {
    const [first = '', ...rest] = name.split('.');
    const body = module.code.bodies.get(first);
    if (body !== undefined) {
      if (depth > MAX_CALLS || (body.kind === 'class' && !isMain) || (rest.length > 0 && body.kind !== 'class')) return;
      if (this.#called.has(body)) return;
      this.#called.add(body);
      const { imports, uses } = readPythonBody(body);
      await this.#addImports(imports, module);
      const inside = { ...module, code: { ...module.code, imports: [...module.code.imports, ...imports] } };
      for (const each of uses) await this.#call(each, inside, { isMain, depth: depth + 1 });
      return;
    }
    if (isMain && depth <= MAX_CALLS) await this.#callImported(first, rest[0], module, depth);
  }

  /** Predicts what a call of an imported name imports: `name()` or `name.attribute()`. */
  async #callImported(
    name: string,
    attribute: string | undefined,
    { code, inPackage, origin }: PythonModule,
    depth: number,
  ): Promise<void> {
    const imported = code.imports.find(
      ({ module, names }) => names.includes(name) || (names.length === 0 && module === name),
    );
    const module = imported && absoluteName(imported.module, inPackage);
    const found = module === undefined ? undefined : await this.#import(module, origin);
    if (imported === undefined || module === undefined || found === undefined) return;
    if (imported.names.length === 0) {
      if (attribute !== undefined) await this.#callIn(found, module, attribute, origin, depth);
    } else if (await this.#hasModule(found, name)) {
      const inner = await this.#import(`${module}.${name}`, origin);
      if (inner !== undefined && attribute !== undefined)
        await this.#callIn(inner, `${module}.${name}`, attribute, origin, depth);
    } else await this.#callIn(found, module, name, origin, depth);
  }

  /** Predicts what a call of a function of another module imports. Standard modules import little in functions. */
  async #callIn(located: Located, name: string, called: string, origin: Origin, depth: number): Promise<void> {
    if (located.path === undefined || !located.path.endsWith('.py') || this.#isStandard(located)) return;
    const file = await this.#prediction.files.find(located.path);
    const reading = this.#codes.get(located.path) ?? this.#readCode(file);
    this.#codes.set(located.path, reading);
    const code = await reading;
    if (code === undefined || file === undefined) return;
    const inPackage = located.directories.length > 0 ? name : parentOf(name);
    const module = { code, inPackage, origin: { ...origin, from: file.path, depth: origin.depth + 1 } };
    await this.#call(called, module, { isMain: true, depth: depth + 1 });
  }

  async #readCode(file: FoundFile | undefined): Promise<PythonCode | undefined> {
    const source = file && (await this.#prediction.files.readText(file, MAX_SOURCE_SIZE));
    return source === undefined ? undefined : readPythonCode(source);
  }

  #import(name: string, origin: Origin): Promise<Located | undefined> {
    const importing = this.#imported.get(name) ?? this.#importFirst(name, origin);
    this.#imported.set(name, importing);
    return importing;
  }

  async #importFirst(name: string, origin: Origin): Promise<Located | undefined> {
    if (name.length > MAX_NAME) return undefined;
    const parent = parentOf(name);
    let directories = this.#searchPath;
    if (parent !== '') {
      const container = await this.#import(parent, origin);
      if (container === undefined) return undefined;
      directories = container.directories;
    }
    const located = await this.#locate(directories, name.slice(parent === '' ? 0 : parent.length + 1));
    if (located?.path !== undefined) await this.#load(name, located, located.path, origin);
    return located;
  }

  async #load(name: string, { directories }: Located, path: string, origin: Origin): Promise<void> {
    const file = await this.#prediction.files.find(path);
    if (file === undefined) return;
    const inPackage = directories.length > 0 ? name : parentOf(name);
    if (path.endsWith('.so')) {
      // The module was compiled from the source next to it, and imports the same.
      const source = await this.#prediction.files.find(path.replace(/\.[^/]*$/, '.py'));
      if (source !== undefined) this.scan(source, inPackage, origin);
      this.#prediction.visit('extension', file, origin, async () => {
        const elf = await this.#libraries.addElf(file, origin, { isProgram: false });
        if (elf === undefined) return;
        const next = { ...origin, from: file.path, depth: origin.depth + 1 };
        await this.#addNamedModules(file, elf, name, next);
        // Its own libraries can import modules too.
        for (const needed of elf.needed) {
          const library = await this.#prediction.files.find(`${posix.dirname(file.path)}/${posix.basename(needed)}`);
          if (library === undefined) continue;
          this.#prediction.visit('extension', library, next, async () => {
            const read = (offset: number, length: number) => this.#prediction.files.read(library, offset, length);
            const parsed = await parseElf(read, library.size);
            if (parsed !== undefined) await this.#addNamedModules(library, parsed, name, next);
          });
        }
      });
      return;
    }
    const isFrozen = this.#version.minor >= 11 && FROZEN.has(name) && path.startsWith(`${this.#library}/`);
    if (!isFrozen) await this.#addModule(file, path, origin);
    if (path.endsWith('.py')) this.scan(file, inPackage, origin, { callsFunctions: !FROZEN.has(name) });
    // A package that wraps an extension module of the same name imports it, often by a computed name.
    const [directory] = directories;
    const own = name.slice(name.lastIndexOf('.') + 1);
    if (directory === undefined || !(await this.#list(directory))?.extensions.has(own)) return;
    this.#prediction.visit('wrapped extension', file, origin, async () => {
      await this.#import(`${name}.${own}`, { ...origin, from: file.path, depth: origin.depth + 1 });
    });
  }

  /**
   * Imports the installed modules that an extension module names: Cython and C code import them when they are loaded. Standard
   * modules are left out, because Cython names some that it does not import. Modules that Cython did not compile import other
   * packages than their own only when they need them, except for NumPy.
   */
  async #addNamedModules(file: FoundFile, { sections }: ElfFile, module: string, origin: Origin): Promise<void> {
    const texts: string[] = [];
    for (const { name, offset, length } of sections) {
      if (!name.startsWith('.rodata')) continue;
      const bytes = await this.#prediction.files.read(file, offset, Math.min(length, MAX_STRINGS_SIZE));
      texts.push(Buffer.from(bytes ?? []).toString('latin1'));
    }
    const isCython = texts.some((text) => text.includes('cython_runtime'));
    const names = new Set(texts.flatMap((text) => Array.from(text.matchAll(MODULE_STRING), ([match]) => match)));
    const [own = ''] = module.split('.');
    for (const each of [...names].slice(0, MAX_NAMED_MODULES)) {
      const [first = ''] = each.split('.');
      if (!isCython && first !== own && first !== 'numpy' && !first.endsWith('__mypyc')) continue;
      const top = await this.#locate(this.#searchPath, first);
      if (top !== undefined && !this.#isStandard(top)) await this.#import(each, origin);
    }
  }

  /** Predicts the source or, if it is up to date, the compiled file next to it. @see PEP 3147, PEP 552 */
  async #addModule(source: FoundFile, path: string, origin: Origin): Promise<void> {
    const { files } = this.#prediction;
    const name = `${posix.basename(path, '.py')}.cpython-${this.#version.major}${this.#version.minor}.pyc`;
    const directory = `${posix.dirname(path)}/__pycache__`;
    const compiled = path.endsWith('.py') ? await files.find(`${directory}/${name}`) : undefined;
    const header = compiled && (await files.read(compiled, 0, PYC_HEADER_SIZE));
    if (compiled === undefined || header === undefined || header.length < PYC_HEADER_SIZE) {
      this.#prediction.add(source, origin);
      return;
    }
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    const flags = view.getUint32(4, true);
    const isHashed = (flags & 1) !== 0;
    const isCurrent =
      view.getUint32(8, true) === (source.modified ?? 0) % 2 ** 32 &&
      view.getUint32(12, true) === source.size % 2 ** 32;
    if (isHashed || isCurrent) this.#prediction.add(compiled, origin);
    if (isHashed ? (flags & 2) !== 0 : !isCurrent) this.#prediction.add(source, origin);
  }

  /** Returns whether a module is part of Python. `site-packages` is in the directory of the standard modules. */
  #isStandard({ path = '' }: Located): boolean {
    const inside = path.startsWith(`${this.#library}/`) ? path.slice(this.#library.length + 1) : '';
    return inside !== '' && !/^(?:site|dist)-packages\//.test(inside);
  }

  /** Returns whether a package contains a module. */
  async #hasModule({ directories }: Located, name: string): Promise<boolean> {
    return directories.length > 0 && (await this.#locate(directories, name)) !== undefined;
  }

  /** Finds a module by its last name, in the order of importlib: package, extension module, source, compiled file. */
  async #locate(directories: readonly string[], name: string): Promise<Located | undefined> {
    const portions: string[] = [];
    for (const directory of directories) {
      const listing = await this.#list(directory);
      if (listing === undefined) continue;
      const { names, extensions } = listing;
      if (names.has(name)) {
        const inside = await this.#list(`${directory}/${name}`);
        const init =
          inside?.extensions.get('__init__') ?? ['__init__.py', '__init__.pyc'].find((each) => inside?.names.has(each));
        if (init !== undefined) return { directories: [`${directory}/${name}`], path: `${directory}/${name}/${init}` };
        if (inside !== undefined) portions.push(`${directory}/${name}`);
      }
      const file = extensions.get(name) ?? [`${name}.py`, `${name}.pyc`].find((each) => names.has(each));
      if (file !== undefined) return { directories: [], path: `${directory}/${file}` };
    }
    return portions.length > 0 ? { directories: portions, path: undefined } : undefined;
  }

  #list(directory: string): Promise<Listing | undefined> {
    const listing = this.#listings.get(directory) ?? this.#readListing(directory);
    this.#listings.set(directory, listing);
    return listing;
  }

  async #readListing(directory: string): Promise<Listing | undefined> {
    const names = await this.#prediction.files.list(directory);
    if (names === undefined) return undefined;
    const tag = `.cpython-${this.#version.major}${this.#version.minor}`;
    const extensions = new Map<string, string>();
    for (const name of names) {
      const dot = name.indexOf('.');
      if (!name.endsWith('.so') || dot < 1) continue;
      const suffix = name.slice(dot);
      if (suffix.startsWith(tag) || suffix === '.abi3.so' || suffix === '.so') extensions.set(name.slice(0, dot), name);
    }
    return { names: new Set(names), extensions };
  }
}

function parentOf(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf('.'), 0));
}

/** Returns the absolute name of a module. @returns `undefined` for a relative import above the top. */
function absoluteName(module: string, inPackage: string): string | undefined {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0;
  if (dots === 0) return module;
  const parts = inPackage === '' ? [] : inPackage.split('.');
  if (dots > parts.length) return undefined;
  const rest = module.slice(dots);
  return [...parts.slice(0, parts.length - dots + 1), ...(rest === '' ? [] : [rest])].join('.');
}

/** Returns whether a module may be part of the interpreter itself. */
function isBuiltIn(name: string): boolean {
  return name.startsWith('_') || BUILT_IN.has(name);
}

/** Modules that the interpreter contains, without those that start with `_` (`sys.builtin_module_names`). */
const BUILT_IN: ReadonlySet<string> = new Set(
  'array atexit binascii builtins cmath errno faulthandler fcntl gc grp itertools marshal math posix pwd select sys syslog time unicodedata zlib'.split(
    ' ',
  ),
);
