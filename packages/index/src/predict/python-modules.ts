import { posix } from 'node:path';
import { type ElfFile, parseElf } from './elf.ts';
import type { FoundFile } from './image-files.ts';
import type { LibraryFinder } from './libraries.ts';
import type { Origin, Prediction } from './prediction.ts';
import { addModuleFile } from './python-bytecode.ts';
import { MAX_SOURCE_SIZE, PythonCalls, type PythonModule } from './python-calls.ts';
import { findNamedModules } from './python-extensions.ts';
import { findLazyImports, findNamesInStrings, type PythonImport, readPythonCode } from './python-imports.ts';
import { absoluteName, FROZEN, isBuiltIn, parentOf } from './python-names.ts';
import type { Located, PythonSearchPath, PythonVersion } from './python-search-path.ts';

/** Maximum length of the name of a module. */
const MAX_NAME = 512;
/** Maximum number of names that are remembered for a module that was not visited yet. */
const MAX_WANTED = 500;

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
  readonly searchPath: PythonSearchPath;
}

/** Predicts the modules that a Python program imports, one interpreter each. @see importlib/_bootstrap_external.py */
export class PythonModules {
  readonly #prediction: Prediction;
  readonly #libraries: LibraryFinder;
  readonly #version: PythonVersion;
  /** Where modules are searched. */
  readonly searchPath: PythonSearchPath;
  /** Imported modules by name. */
  readonly #imported = new Map<string, Promise<Located | undefined>>();
  /** Modules that import their names when they are used, by path. */
  readonly #lazy = new Map<string, PythonModule>();
  /** Names that others import from a module that was not visited yet, by path. */
  readonly #wanted = new Map<string, string[]>();
  readonly #calls: PythonCalls;

  constructor({ prediction, libraries, version, searchPath }: PythonModulesOptions) {
    this.#prediction = prediction;
    this.#libraries = libraries;
    this.#version = version;
    this.searchPath = searchPath;
    this.#calls = new PythonCalls(this, prediction.files);
  }

  /** Predicts the module that `python -m` runs. */
  async runModule(name: string, origin: Origin): Promise<void> {
    const found = await this.import(name, origin);
    if (found === undefined) return;
    const main = found.directories.length > 0 ? await this.import(`${name}.__main__`, origin) : found;
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
    await this.addImports(code.imports, module);
    if (code.lazyNames !== undefined && origin.from !== undefined) {
      this.#lazy.set(origin.from, module);
      const wanted = this.#wanted.get(origin.from) ?? [];
      this.#wanted.delete(origin.from);
      for (const name of wanted) await this.#addLazyName(name, module);
    }
    await this.#addNamesInStrings(source, origin);
    if (callsFunctions) for (const name of code.uses) await this.#calls.call(name, module, { isMain, depth: 0 });
  }

  /**
   * Imports the installed modules that strings of the program's own modules name: settings, plugins, `uvicorn.run("main:app")`.
   * Installed packages have strings for much that they do not import.
   */
  async #addNamesInStrings(source: string, origin: Origin): Promise<void> {
    const path = origin.from ?? '';
    if (/\/(?:site|dist)-packages\//.test(path) || this.searchPath.isStandard({ path })) return;
    for (const name of findNamesInStrings(source)) {
      for (const each of [name, parentOf(name)]) {
        const located = each === '' ? undefined : await this.searchPath.locateModule(each);
        if (located?.path === undefined) continue;
        if (!this.searchPath.isStandard(located)) await this.import(each, origin);
        break;
      }
    }
  }

  /** Predicts what import statements of a module import. */
  async addImports(imports: readonly PythonImport[], { inPackage, origin }: PythonModule): Promise<void> {
    let isComplete = true;
    for (const { module, names, isFallback } of imports) {
      if (isFallback && isComplete) continue;
      const name = absoluteName(module, inPackage);
      if (name === undefined) continue;
      const found = name === '' ? undefined : await this.import(name, origin);
      if (found === undefined) isComplete &&= isBuiltIn(name);
      else for (const each of names) await this.#importName(found, name, each, origin);
    }
  }

  /** Imports a name from a module: a module in a package, or a name that the module imports when it is used. */
  async #importName(found: Located, module: string, name: string, origin: Origin): Promise<void> {
    if (await this.searchPath.hasModule(found, name)) await this.import(`${module}.${name}`, origin);
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
    if (lazyNames !== undefined) await this.addImports(findLazyImports(lazyNames, name), module);
  }

  /** Predicts a module, the packages that contain it, and later what it imports. */
  import(name: string, origin: Origin): Promise<Located | undefined> {
    const importing = this.#imported.get(name) ?? this.#importFirst(name, origin);
    this.#imported.set(name, importing);
    return importing;
  }

  async #importFirst(name: string, origin: Origin): Promise<Located | undefined> {
    if (name.length > MAX_NAME) return undefined;
    const parent = parentOf(name);
    const container = parent === '' ? undefined : await this.import(parent, origin);
    if (parent !== '' && container === undefined) return undefined;
    const located =
      container === undefined
        ? await this.searchPath.locate(name)
        : await this.searchPath.locateIn(container.directories, name.slice(parent.length + 1));
    if (located?.path !== undefined) await this.#load(name, located, located.path, origin);
    return located;
  }

  async #load(name: string, { directories }: Located, path: string, origin: Origin): Promise<void> {
    const file = await this.#prediction.files.find(path);
    if (file === undefined) return;
    const inPackage = directories.length > 0 ? name : parentOf(name);
    if (path.endsWith('.so')) return this.#loadExtension(name, inPackage, file, path, origin);
    const isFrozen = this.#version.minor >= 11 && FROZEN.has(name) && this.searchPath.isStandard({ path });
    if (!isFrozen) await addModuleFile(this.#prediction, this.#version, file, path, origin);
    if (path.endsWith('.py')) this.scan(file, inPackage, origin, { callsFunctions: !FROZEN.has(name) });
    // A package that wraps an extension module of the same name imports it, often by a computed name.
    const [directory] = directories;
    const own = name.slice(name.lastIndexOf('.') + 1);
    if (directory === undefined || !(await this.searchPath.hasExtension(directory, own))) return;
    this.#prediction.visit('wrapped extension', file, origin, async () => {
      await this.import(`${name}.${own}`, { ...origin, from: file.path, depth: origin.depth + 1 });
    });
  }

  /** Predicts an extension module, and what it and its libraries import. */
  async #loadExtension(name: string, inPackage: string, file: FoundFile, path: string, origin: Origin): Promise<void> {
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
  }

  /** Imports the installed modules that an extension module names. Cython names standard modules that it does not import. */
  async #addNamedModules(file: FoundFile, elf: ElfFile, module: string, origin: Origin): Promise<void> {
    for (const name of await findNamedModules(this.#prediction.files, file, elf, module)) {
      const [first = ''] = name.split('.');
      const top = await this.searchPath.locate(first);
      if (top !== undefined && !this.searchPath.isStandard(top)) await this.import(name, origin);
    }
  }
}
