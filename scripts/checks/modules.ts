// Inside a package: no cycle, nothing unreachable, entries that only re-export, no `export *`, no Node in the core.

import { report } from '../report.ts';
import { findCycle } from '../workspace/cycle.ts';
import { BROWSER_ENTRIES } from '../workspace/levels.ts';
import { listFiles, readPackages, type WorkspacePackage } from '../workspace/packages.ts';
import { readSourceFile, resolveRelative, type SourceFile } from '../workspace/source-file.ts';

for (const unit of readPackages()) report(`modules of ${unit.name}`, problemsOf(unit));

function problemsOf(unit: WorkspacePackage): string[] {
  const paths = [`${unit.folder}/src`, `${unit.folder}/bin`].flatMap((folder) => listFiles(folder, ['.ts', '.js']));
  const files = paths.filter((path) => !path.includes('/assembly/')).map(readSourceFile);
  const graph = new Map(files.map((file) => [file.path, relativeImports(file)]));
  const entries = new Set(unit.entries);
  const problems = files.flatMap((file) => [
    ...starExports(file),
    ...entryImports(file, entries),
    ...outsiders(file, unit),
  ]);
  for (const file of files.filter(({ path, onlyReExports }) => entries.has(path) && !onlyReExports)) {
    problems.push(`${file.path} is an entry: it may only re-export by name`);
  }
  const cycle = findCycle(graph);
  if (cycle !== null) problems.push(`a cycle: ${cycle.join(' -> ')}`);
  const shipped = reachable(graph, rootsOf(unit, files));
  const tested = reachable(graph, paths.filter(isTest));
  for (const path of paths.filter((path) => graph.has(path) && !isTest(path) && !shipped.has(path))) {
    if (!tested.has(path)) problems.push(`${path} is imported by nothing that is used`);
    else if (!path.includes('/fixtures/')) problems.push(`${path} serves tests only: its place is a fixtures folder`);
  }
  const browserSafe = reachable(graph, BROWSER_ENTRIES);
  for (const file of files.filter(({ path }) => browserSafe.has(path))) {
    for (const { specifier, line } of file.imports.filter(({ specifier }) => specifier.startsWith('node:'))) {
      problems.push(`${file.path}:${line} imports ${specifier}, but must also load in a browser`);
    }
  }
  return problems;
}

function relativeImports(file: SourceFile): string[] {
  return file.imports.flatMap(({ specifier }) => resolveRelative(file.path, specifier) ?? []);
}

function starExports(file: SourceFile): string[] {
  return file.imports
    .filter(({ isStar }) => isStar)
    .map(({ line }) => `${file.path}:${line} has \`export *\`: name what it exports`);
}

function entryImports(file: SourceFile, entries: ReadonlySet<string>): string[] {
  if (isTest(file.path)) return [];
  return relativeImports(file)
    .filter((target) => entries.has(target))
    .map((target) => `${file.path} imports the entry ${target}: import the file that declares what it needs`);
}

/** What is published must hold all that it needs; a private package may look into others, as benchmarks do. */
function outsiders(file: SourceFile, unit: WorkspacePackage): string[] {
  if (unit.manifest.private || isTest(file.path)) return [];
  return relativeImports(file)
    .filter((target) => !target.startsWith(`${unit.folder}/`))
    .map((target) => `${file.path} reaches out of its package, to ${target}`);
}

/** Where use begins: what a package offers, and its programs; those of a private one are all that export nothing. */
function rootsOf({ folder, entries, manifest }: WorkspacePackage, files: readonly SourceFile[]): string[] {
  if (manifest.private) {
    const programs = files.filter(({ path, hasExports }) => !hasExports && !isTest(path));
    return [...entries, ...programs.map(({ path }) => path)];
  }
  return [...entries, ...Object.values(manifest.bin ?? {}).map((path) => `${folder}/${path.replace(/^\.\//, '')}`)];
}

function reachable(graph: ReadonlyMap<string, readonly string[]>, roots: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    // A program in bin/ runs what its package has built.
    for (const next of graph.get(path) ?? [])
      visit(next.replace(/\/dist\/(bundle\/)?/, '/src/').replace(/\.js$/, '.ts'));
  };
  for (const root of roots) visit(root);
  return reached;
}

function isTest(path: string): boolean {
  return /\.(test|bench)\.ts$/.test(path);
}
