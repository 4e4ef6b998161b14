import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import type { FoundFile } from './image-files.ts';
import type { LibraryFinder } from './libraries.ts';
import { findNodeImports } from './node-imports.ts';
import type { Origin, Prediction } from './prediction.ts';

/** Maximum size of a module whose imports are searched, in bytes. A larger module is a bundle that contains what it imports. */
const MAX_SOURCE_SIZE = 1 << 20;
/** Maximum size of a `package.json`, in bytes. */
const MAX_PACKAGE_SIZE = 256 << 10;
/** Maximum depth of conditions in `exports` of a `package.json`. */
const MAX_CONDITIONS = 16;
/** Maximum number of entries in an object of `exports`. */
const MAX_EXPORTS = 4096;

/** Extensions that `require` adds to a path. */
const EXTENSIONS = ['', '.js', '.json', '.node'];

type Fields = Readonly<Record<string, unknown>>;

/** A `package.json`. */
export interface NodePackage {
  /** Directory of the file. */
  readonly directory: string;
  readonly fields: Fields;
}

/** Predicts the modules that a Node.js program loads. @see https://nodejs.org/api/modules.html, https://nodejs.org/api/esm.html */
export class NodeModules {
  readonly #prediction: Prediction;
  readonly #libraries: LibraryFinder;
  readonly #packages = new Map<string, Promise<NodePackage | undefined>>();

  constructor(prediction: Prediction, libraries: LibraryFinder) {
    this.#prediction = prediction;
    this.#libraries = libraries;
  }

  /** Predicts the program or module at a path, as `node PATH` resolves it, and what it loads. */
  async load(path: string, origin: Origin): Promise<void> {
    const file = await this.#resolvePath(path, origin);
    if (file !== undefined) await this.#add(file, origin);
  }

  /** Predicts a module that code in a directory loads. */
  async loadSpecifier(specifier: string, directory: string, origin: Origin, isImport = false): Promise<void> {
    if (isBuiltin(specifier)) return;
    const file = await this.#resolve(specifier, directory, origin, isImport);
    if (file !== undefined) await this.#add(file, origin);
  }

  /** Predicts what source code in a directory loads. */
  async addImports(source: string, directory: string, origin: Origin): Promise<void> {
    for (const { specifier, isImport } of findNodeImports(source)) {
      await this.loadSpecifier(specifier, directory, origin, isImport);
    }
  }

  /** Returns the `package.json` in a directory. */
  package(directory: string): Promise<NodePackage | undefined> {
    const reading = this.#packages.get(directory) ?? this.#readPackage(directory);
    this.#packages.set(directory, reading);
    return reading;
  }

  async #add(file: FoundFile, origin: Origin): Promise<void> {
    this.#prediction.add(file, origin);
    const directory = posix.dirname(file.path);
    if (file.path.endsWith('.node')) {
      this.#prediction.visit('extension', file, origin, async () => {
        await this.#libraries.addElf(file, origin, { isProgram: false });
      });
      return;
    }
    if (file.path.endsWith('.json')) return;
    await this.#addScope(directory, { ...origin, reason: 'configuration', from: file.path });
    if (file.size > MAX_SOURCE_SIZE) return;
    this.#prediction.visit('node', file, origin, async () => {
      const source = await this.#prediction.files.readText(file, MAX_SOURCE_SIZE);
      const next: Origin = { reason: 'import', from: file.path, depth: origin.depth + 1 };
      if (source !== undefined) await this.addImports(source, directory, next);
    });
  }

  /** Predicts the nearest `package.json`, which says whether a module is an ES module. */
  async #addScope(directory: string, origin: Origin): Promise<void> {
    for (const each of parentsOf(directory)) {
      if (posix.basename(each) === 'node_modules') return;
      if ((await this.#prediction.addPath(`${each}/package.json`, origin)) !== undefined) return;
    }
  }

  async #resolve(
    specifier: string,
    directory: string,
    origin: Origin,
    isImport: boolean,
  ): Promise<FoundFile | undefined> {
    const conditions = isImport
      ? ['node', 'import', 'module-sync', 'default']
      : ['node', 'require', 'module-sync', 'default'];
    if (/^(?:\/|\.{1,2}(?:\/|$))/.test(specifier))
      return this.#resolvePath(posix.resolve(directory, specifier), origin);
    if (specifier.startsWith('#')) {
      for (const each of parentsOf(directory)) {
        const scope = await this.package(each);
        if (scope === undefined) continue;
        const target = exportTarget(scope.fields['imports'], specifier, conditions);
        if (target === undefined) return undefined;
        return target.startsWith('./')
          ? this.#resolvePath(posix.resolve(each, target), origin)
          : this.#resolve(target.replace(/^#+/, ''), directory, origin, isImport);
      }
      return undefined;
    }
    const [, name = '', rest = ''] = /^(@[^/]+\/[^/]+|[^@/][^/]*)(\/.*)?$/.exec(specifier) ?? [];
    if (name === '' || /[\\%:]/.test(name)) return undefined;
    for (const each of parentsOf(directory)) {
      if (posix.basename(each) === 'node_modules') continue;
      const root = `${each === '/' ? '' : each}/node_modules/${name}`;
      if ((await this.#prediction.files.list(root)) === undefined) continue;
      const found = await this.#resolveInPackage(root, rest, conditions, origin);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #resolveInPackage(
    root: string,
    rest: string,
    conditions: readonly string[],
    origin: Origin,
  ): Promise<FoundFile | undefined> {
    const own = await this.package(root);
    if (own !== undefined)
      await this.#prediction.addPath(`${root}/package.json`, { ...origin, reason: 'configuration' });
    const exported = own?.fields['exports'];
    if (exported === undefined || exported === null) return this.#resolvePath(`${root}${rest}`, origin);
    const target = exportTarget(exported, `.${rest}`, conditions);
    return target?.startsWith('./') ? this.#prediction.files.find(posix.resolve(root, target)) : undefined;
  }

  /** Resolves a path as `require` does: a file, with an extension, or a directory with `package.json` or `index.js`. */
  async #resolvePath(path: string, origin: Origin): Promise<FoundFile | undefined> {
    const { files } = this.#prediction;
    for (const extension of EXTENSIONS) {
      const file = await files.find(`${path}${extension}`);
      if (file !== undefined) return file;
    }
    if ((await files.list(path)) === undefined) return undefined;
    const main = (await this.package(path))?.fields['main'];
    if (typeof main === 'string') {
      await this.#prediction.addPath(`${path}/package.json`, { ...origin, reason: 'configuration' });
      const target = posix.resolve(path, `./${main}`);
      for (const extension of [...EXTENSIONS, '/index.js', '/index.json', '/index.node']) {
        const file = await files.find(`${target}${extension}`);
        if (file !== undefined) return file;
      }
    }
    for (const name of ['index.js', 'index.json', 'index.node']) {
      const file = await files.find(`${path}/${name}`);
      if (file !== undefined) return file;
    }
    return undefined;
  }

  async #readPackage(directory: string): Promise<NodePackage | undefined> {
    const { files } = this.#prediction;
    const file = await files.find(`${directory}/package.json`);
    const text = file && file.size <= MAX_PACKAGE_SIZE ? await files.readText(file, MAX_PACKAGE_SIZE) : undefined;
    if (text === undefined) return undefined;
    try {
      const fields: unknown = JSON.parse(text);
      return isObject(fields) ? { directory, fields } : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Returns the target of a name in `exports` or `imports` of a `package.json`, for conditions. */
function exportTarget(exported: unknown, name: string, conditions: readonly string[]): string | undefined {
  const isTable = isObject(exported) && Object.keys(exported).some((key) => key.startsWith('.') || key.startsWith('#'));
  if (!isTable) return name === '.' ? conditionTarget(exported, conditions, '', 0) : undefined;
  const own = Object.hasOwn(exported, name) ? exported[name] : undefined;
  if (own !== undefined && !name.includes('*')) return conditionTarget(own, conditions, '', 0);
  const patterns = Object.keys(exported)
    .slice(0, MAX_EXPORTS)
    .filter((key) => key.includes('*'))
    .sort((a, b) => b.indexOf('*') - a.indexOf('*'));
  for (const pattern of patterns) {
    const [prefix = '', suffix = ''] = pattern.split('*');
    if (name.length <= prefix.length + suffix.length - 1 || !name.startsWith(prefix) || !name.endsWith(suffix))
      continue;
    const matched = name.slice(prefix.length, name.length - suffix.length);
    return conditionTarget(exported[pattern], conditions, matched, 0);
  }
  return undefined;
}

function conditionTarget(
  target: unknown,
  conditions: readonly string[],
  matched: string,
  depth: number,
): string | undefined {
  if (typeof target === 'string') return target.replaceAll('*', () => matched);
  if (depth > MAX_CONDITIONS || typeof target !== 'object' || target === null) return undefined;
  const targets = Array.isArray(target)
    ? target.slice(0, MAX_EXPORTS)
    : Object.entries(target).flatMap(([condition, each]) => (conditions.includes(condition) ? [each] : []));
  for (const each of targets) {
    const found = conditionTarget(each, conditions, matched, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns a directory and its parents, up to the root. */
function parentsOf(directory: string): readonly string[] {
  const parents = [directory];
  for (let each = directory; each !== '/'; each = posix.dirname(each)) parents.push(posix.dirname(each));
  return parents;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
