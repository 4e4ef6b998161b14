import type { FoundFile, ImageFiles } from './image-files.ts';
import type { Origin } from './prediction.ts';
import { type PythonBody, type PythonCode, readPythonBody, readPythonCode } from './python-imports.ts';
import type { PythonModules } from './python-modules.ts';
import { absoluteName, parentOf } from './python-names.ts';
import type { Located } from './python-search-path.ts';

/** Maximum size of a module whose imports are searched, in bytes. */
export const MAX_SOURCE_SIZE = 512 << 10;
/** Maximum number of calls from one function to the next. */
const MAX_CALLS = 8;

/** A module whose code runs. */
export interface PythonModule {
  readonly code: PythonCode;
  /** Package of relative imports. */
  readonly inPackage: string;
  /** Origin of what it imports. */
  readonly origin: Origin;
}

/** Predicts what the functions and classes import that a Python program calls. */
export class PythonCalls {
  readonly #modules: Pick<PythonModules, 'addImports' | 'import' | 'searchPath'>;
  readonly #files: ImageFiles;
  /** Code of modules whose functions are called, by path. */
  readonly #codes = new Map<string, Promise<PythonCode | undefined>>();
  readonly #called = new Set<PythonBody>();

  constructor(modules: Pick<PythonModules, 'addImports' | 'import' | 'searchPath'>, files: ImageFiles) {
    this.#modules = modules;
    this.#files = files;
  }

  /**
   * Predicts what a call imports: of a function of the same module, and if the program itself calls, also of a class and of
   * other modules.
   */
  async call(name: string, module: PythonModule, { isMain, depth }: { isMain: boolean; depth: number }): Promise<void> {
    const [first = '', ...rest] = name.split('.');
    const body = module.code.bodies.get(first);
    if (body !== undefined) {
      if (depth > MAX_CALLS || (body.kind === 'class' && !isMain) || (rest.length > 0 && body.kind !== 'class')) return;
      if (this.#called.has(body)) return;
      this.#called.add(body);
      const { imports, uses } = readPythonBody(body);
      await this.#modules.addImports(imports, module);
      const inside = { ...module, code: { ...module.code, imports: [...module.code.imports, ...imports] } };
      for (const each of uses) await this.call(each, inside, { isMain, depth: depth + 1 });
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
    const found = module === undefined ? undefined : await this.#modules.import(module, origin);
    if (imported === undefined || module === undefined || found === undefined) return;
    if (imported.names.length === 0) {
      if (attribute !== undefined) await this.#callIn(found, module, attribute, origin, depth);
    } else if (await this.#modules.searchPath.hasModule(found, name)) {
      const inner = await this.#modules.import(`${module}.${name}`, origin);
      if (inner !== undefined && attribute !== undefined)
        await this.#callIn(inner, `${module}.${name}`, attribute, origin, depth);
    } else await this.#callIn(found, module, name, origin, depth);
  }

  /** Predicts what a call of a function of another module imports. Standard modules import little in functions. */
  async #callIn(located: Located, name: string, called: string, origin: Origin, depth: number): Promise<void> {
    if (located.path === undefined || !located.path.endsWith('.py') || this.#modules.searchPath.isStandard(located))
      return;
    const file = await this.#files.find(located.path);
    const reading = this.#codes.get(located.path) ?? this.#readCode(file);
    this.#codes.set(located.path, reading);
    const code = await reading;
    if (code === undefined || file === undefined) return;
    const inPackage = located.directories.length > 0 ? name : parentOf(name);
    const module = { code, inPackage, origin: { ...origin, from: file.path, depth: origin.depth + 1 } };
    await this.call(called, module, { isMain: true, depth: depth + 1 });
  }

  async #readCode(file: FoundFile | undefined): Promise<PythonCode | undefined> {
    const source = file && (await this.#files.readText(file, MAX_SOURCE_SIZE));
    return source === undefined ? undefined : readPythonCode(source);
  }
}
