import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'vite';
import { ROOT } from './packages.ts';

/** An import or re-export of a source file. */
export interface ModuleImport {
  /** As written: `./span.ts`, `@soci/oci`, `node:fs`. */
  readonly specifier: string;
  readonly line: number;
  /** `dynamic` is a call of `import()`, or `new URL('./x.ts', import.meta.url)` for a worker. */
  readonly kind: 'static' | 'type' | 'dynamic';
  /** Whether it is `export * from` or `export * as x from`. */
  readonly isStar: boolean;
}

/** A parsed source file. */
export interface SourceFile {
  /** Path, relative to the repository. */
  readonly path: string;
  readonly imports: readonly ModuleImport[];
  /** Whether it contains only re-exports. */
  readonly onlyReExports: boolean;
  /** Whether it has exports. A program has none. */
  readonly hasExports: boolean;
}

/** Also matches an extension that is chosen at run time: `./worker.${isBuilt ? 'js' : 'ts'}` in backquotes. */
const WORKER_URL = /new URL\(\s*(['"`])(\.{1,2}\/[\w./-]+)\.(?:[jt]s|\$\{[^}]*\})\1\s*,\s*import\.meta\.url/g;

/**
 * Reads and parses a TypeScript file.
 *
 * @throws {Error} If the file has a syntax error. The message contains the path.
 */
export function readSourceFile(path: string): SourceFile {
  return parseSource(path, readFileSync(join(ROOT, path), 'utf8'));
}

/** Parses `text` as the file `path`. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, module, errors } = parseSync(path, text, { astType: 'ts' });
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  const imports: ModuleImport[] = [];
  const add = (specifier: string, offset: number, kind: ModuleImport['kind'], isStar = false) =>
    imports.push({ specifier, line: lineOf(offset), kind, isStar });
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const isType = entries.length > 0 && entries.every((entry) => entry.isType);
    add(moduleRequest.value, start, isType ? 'type' : 'static');
  }
  for (const { entries, start } of module.staticExports) {
    const from = entries.filter((entry) => entry.moduleRequest !== null);
    if (from[0]?.moduleRequest == null) continue;
    const isType = from.every((entry) => entry.isType);
    const isStar = from.some(({ importName }) => importName.kind === 'All' || importName.kind === 'AllButDefault');
    add(from[0].moduleRequest.value, start, isType ? 'type' : 'static', isStar);
  }
  for (const { moduleRequest, start } of module.dynamicImports) {
    const specifier = /^(['"`])(.*)\1$/s.exec(text.slice(moduleRequest.start, moduleRequest.end))?.[2];
    if (specifier !== undefined) add(specifier, start, 'dynamic');
  }
  for (const match of text.matchAll(WORKER_URL)) add(`${match[2]}.ts`, match.index, 'dynamic');
  const onlyReExports = program.body.every(
    (node) => node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source !== null),
  );
  return { path, imports, onlyReExports, hasExports: module.staticExports.length > 0 };
}

/**
 * Resolves a relative import to a path in the repository. Returns null for a package. `.js` names and names without extension
 * (CommonJS) resolve to the `.ts` file.
 */
export function resolveRelative(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const target = normalize(join(dirname(from), specifier));
  const source = [target, target.replace(/\.js$/, '.ts'), `${target}.ts`].find((path) => existsSync(join(ROOT, path)));
  return source ?? target;
}

/** Returns the package of a bare import: `@soci/oci` for `@soci/oci/layout`, `node` for `node:fs`. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node';
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
