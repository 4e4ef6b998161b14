import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'vite';
import { ROOT } from './packages.ts';

/** One import, or re-export, that a source file states. */
export interface ModuleImport {
  /** As written: `./span.ts`, `@soci/oci`, `node:fs`. */
  readonly specifier: string;
  readonly line: number;
  /** `dynamic` is a call of `import()`, and `new URL('./x.ts', import.meta.url)`, by which workers are named. */
  readonly kind: 'static' | 'type' | 'dynamic';
  /** Whether it is `export * from` or `export * as x from`. */
  readonly isStar: boolean;
}

/** A source file as the checks see it. */
export interface SourceFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly imports: readonly ModuleImport[];
  /** Whether it holds nothing but re-exports. */
  readonly onlyReExports: boolean;
  /** Whether it exports something; what does not is a program. */
  readonly hasExports: boolean;
}

/** The extension may be decided at run time: `./worker.${isBuilt ? 'js' : 'ts'}` in backquotes. */
const WORKER_URL = /new URL\(\s*(['"`])(\.{1,2}\/[\w./-]+)\.(?:[jt]s|\$\{[^}]*\})\1\s*,\s*import\.meta\.url/g;

/** Reads and parses a TypeScript file; a syntax error is thrown with the file's name. */
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
 * The repository path that a relative import means, or null for a package. Built `.js` names stand for their `.ts`, as do
 * names without an extension, which CommonJS has.
 */
export function resolveRelative(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const target = normalize(join(dirname(from), specifier));
  const source = [target, target.replace(/\.js$/, '.ts'), `${target}.ts`].find((path) => existsSync(join(ROOT, path)));
  return source ?? target;
}

/** The package that a bare import names: `@soci/oci` of `@soci/oci/layout`; `node` of `node:fs`. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node';
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
