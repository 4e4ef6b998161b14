import type { ImageFiles } from './image-files.ts';

/** Version of a Python interpreter. */
export interface PythonVersion {
  readonly major: number;
  readonly minor: number;
}

/** Maximum number of directories that are searched for a module. */
const MAX_SEARCH_PATH = 256;

/** Where a name was found in a search path. */
export interface Located {
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

/** Options of {@link PythonSearchPath}. */
interface SearchPathOptions {
  readonly files: ImageFiles;
  readonly version: PythonVersion;
  /** Directory of the standard modules. */
  readonly library: string;
  /** Directories that are searched, in order. */
  readonly directories: readonly string[];
}

/** The directories in which an interpreter searches modules: `sys.path`. @see importlib/_bootstrap_external.py */
export class PythonSearchPath {
  readonly #files: ImageFiles;
  readonly #version: PythonVersion;
  readonly #library: string;
  #directories: readonly string[];
  readonly #listings = new Map<string, Promise<Listing | undefined>>();

  constructor({ files, version, library, directories }: SearchPathOptions) {
    this.#files = files;
    this.#version = version;
    this.#library = library;
    this.#directories = directories.slice(0, MAX_SEARCH_PATH);
  }

  /** Searches a directory before all others. */
  addFirst(directory: string): void {
    this.#directories = [directory, ...this.#directories].slice(0, MAX_SEARCH_PATH);
  }

  /** Searches a directory after all others. */
  addLast(directory: string): void {
    if (!this.#directories.includes(directory))
      this.#directories = [...this.#directories, directory].slice(0, MAX_SEARCH_PATH);
  }

  /** Returns whether a module is part of Python. `site-packages` is in the directory of the standard modules. */
  isStandard({ path = '' }: Pick<Located, 'path'>): boolean {
    const inside = path.startsWith(`${this.#library}/`) ? path.slice(this.#library.length + 1) : '';
    return inside !== '' && !/^(?:site|dist)-packages\//.test(inside);
  }

  /** Returns whether a directory contains an extension module. */
  async hasExtension(directory: string, name: string): Promise<boolean> {
    return (await this.#list(directory))?.extensions.has(name) === true;
  }

  /** Finds a module that is not in a package. */
  locate(name: string): Promise<Located | undefined> {
    return this.locateIn(this.#directories, name);
  }

  /** Finds a module by its full name, such as `shop.wsgi`. @param directories - Where to search. Default: the search path. */
  async locateModule(name: string, directories: readonly string[] = this.#directories): Promise<Located | undefined> {
    let located: Located | undefined = { directories, path: undefined };
    for (const part of name.split('.')) {
      located = located && (await this.locateIn(located.directories, part));
    }
    return located;
  }

  /** Returns whether a package contains a module. */
  async hasModule({ directories }: Located, name: string): Promise<boolean> {
    return directories.length > 0 && (await this.locateIn(directories, name)) !== undefined;
  }

  /** Finds a module by its last name, in the order of importlib: package, extension module, source, compiled file. */
  async locateIn(directories: readonly string[], name: string): Promise<Located | undefined> {
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
    const names = await this.#files.list(directory);
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
