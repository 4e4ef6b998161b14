// Allowed references between packages, between the modules of a package, and to the machine. biome and knip check rules within a
// file: unused imports, cycles of files, `export *`, Node modules in browser code.
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { LEVELS } from '../workspace/levels.ts';
import { type Finding, listFiles, ROOT, readPackages, type WorkspacePackage } from '../workspace/packages.ts';
import { packageOf, readSourceFile, resolveRelative, type SourceFile } from '../workspace/source-file.ts';

/** Checks that each package imports, and depends on, only what its level allows. */
export function dependencies(): Finding[] {
  const packages = readPackages();
  return packages.map((unit) => ({ subject: `dependencies of ${unit.name}`, problems: levelProblems(unit, packages) }));
}

function levelProblems(unit: WorkspacePackage, packages: readonly WorkspacePackage[]): string[] {
  const allowance = LEVELS[unit.name];
  if (allowance === undefined) return ['has no entry in scripts/workspace/levels.ts'];
  const allowed = new Set([...allowance.packages, ...allowance.modules]);
  const forTests = new Set([...allowed, ...(allowance.tests ?? [])]);
  const isWorkspacePackage = (name: string) => packages.some((other) => other.name === name);
  const problems = sourcesOf(unit).flatMap((file) =>
    file.imports.flatMap(({ specifier, line }) => {
      const name = importedPackage(file.path, specifier, packages);
      const where = `${file.path}:${line} imports`;
      if (name === null || (name === unit.name && specifier.startsWith('.'))) return [];
      if (isShipped(unit, file.path)) {
        if (name === unit.name) return [`${where} its own package by name`];
        return allowed.has(name) ? [] : [`${where} ${name}, which its level may not import`];
      }
      return isWorkspacePackage(name) && name !== unit.name && !forTests.has(name)
        ? [`${where} ${name}, which is at a higher level`]
        : [];
    }),
  );
  const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = unit.manifest;
  const declared = Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
  const notAllowed = declared.filter((name) => !allowed.has(name));
  return [...problems, ...notAllowed.map((name) => `package.json depends on ${name}, which its level may not import`)];
}

/** Returns the package of an import, by name or by path; null if the path is in no package. */
function importedPackage(path: string, specifier: string, packages: readonly WorkspacePackage[]): string | null {
  const target = resolveRelative(path, specifier);
  if (target !== null) return packages.find(({ folder }) => target.startsWith(`${folder}/`))?.name ?? null;
  return builtinModules.includes(specifier) ? 'node' : packageOf(specifier);
}

/** Reports whether a file is published: tests, scripts and configuration are not. */
function isShipped({ folder }: WorkspacePackage, path: string): boolean {
  return /^\/(src|bin)\//.test(path.slice(folder.length)) && !isTest(path);
}

/** Checks that entries only re-export, that no file imports an entry, and that no import leaves the package. */
export function modules(): Finding[] {
  return readPackages().map((unit) => {
    const entries = new Set(unit.entries);
    const problems = sourcesOf(unit)
      .filter(({ path }) => isShipped(unit, path))
      .flatMap((file) => {
        const targets = relativeImports(file);
        const imported = targets.filter((target) => entries.has(target));
        // A private package may import files of others, as the benchmarks do.
        const outside = unit.manifest.private ? [] : targets.filter((target) => !target.startsWith(`${unit.folder}/`));
        const isMixed = entries.has(file.path) && !file.onlyReExports;
        return [
          ...(isMixed ? [`${file.path} is an entry: it may only re-export by name`] : []),
          ...imported.map((entry) => `${file.path} imports the entry ${entry}: import the file that declares the name`),
          ...outside.map((target) => `${file.path} imports ${target}, which is outside its package`),
        ];
      });
    return { subject: `modules of ${unit.name}`, problems };
  });
}

/** Checks that no folder of a package is part of an import cycle. Biome finds cycles of files. */
export function folders(): Finding[] {
  return readPackages().map((unit) => {
    const files = sourcesOf(unit).filter(({ path }) => !isTest(path));
    const edges = files.flatMap((file) => relativeImports(file).map((target): Edge => [file.path, target]));
    const problems = [`${unit.folder}/`, ...files.flatMap(({ path }) => foldersOf(path, unit.folder))];
    return {
      subject: `folders of ${unit.name}`,
      problems: [...new Set(problems)].flatMap((folder) => cyclesIn(folder, edges)),
    };
  });
}

/** An import between two files. */
type Edge = readonly [from: string, to: string];

/** Returns the folders that contain a file, such as `packages/oci/src/` and `packages/oci/src/layout/`. */
function foldersOf(path: string, root: string): string[] {
  const parts = path
    .slice(root.length + 1)
    .split('/')
    .slice(0, -1);
  return parts.map((_, index) => `${root}/${parts.slice(0, index + 1).join('/')}/`);
}

function cyclesIn(folder: string, edges: readonly Edge[]): string[] {
  const childOf = (path: string) => /^[^/]*\/?/.exec(path.slice(folder.length))?.[0] ?? '';
  const between = edges.filter(
    (edge) => edge.every((path) => path.startsWith(folder)) && childOf(edge[0]) !== childOf(edge[1]),
  );
  const graph = new Map<string, string[]>();
  for (const [from, to] of between) graph.set(childOf(from), [...(graph.get(childOf(from)) ?? []), childOf(to)]);
  return findCycles(graph)
    .filter((names) => names.some((name) => name.endsWith('/')))
    .map((names) => {
      const inside = between.filter((edge) => edge.every((path) => names.includes(childOf(path))));
      const pairs = Object.values(Object.groupBy(inside, ([from, to]) => `${childOf(from)} ${childOf(to)}`));
      // The fewest first: they probably point in the wrong direction.
      const sorted = pairs.flatMap((pair) => (pair ? [pair] : [])).sort((a, b) => a.length - b.length);
      const shown = sorted.map(
        (pair) => `${pair.length} x ${pair[0]?.map((path) => path.slice(folder.length)).join(' -> ')}`,
      );
      return `in ${folder}: ${names.join(', ')} import each other (${shown.join('; ')})`;
    });
}

/** Returns the groups of names that reach each other. */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const reach = new Map([...graph.keys()].map((name) => [name, reachable(graph, name)]));
  const inCycle = [...graph.keys()].filter((name) => reach.get(name)?.has(name));
  const groups = inCycle.map((name) =>
    inCycle.filter((other) => reach.get(name)?.has(other) && reach.get(other)?.has(name)),
  );
  return groups
    .map((group) => group.sort())
    .filter((group, index) => groups.findIndex(([first]) => first === group[0]) === index);
}

function reachable(graph: ReadonlyMap<string, readonly string[]>, start: string): Set<string> {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    for (const next of graph.get(name) ?? []) {
      if (reached.has(next)) continue;
      reached.add(next);
      visit(next);
    }
  };
  visit(start);
  return reached;
}

/** No pattern matches its own source. */
const FORBIDDEN: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a folder of a developer machine', pattern: /(?<![\w.}/-])\/(?:work|tmp\/w|root|Users|home\/\w+)\/[\w.-]+/ },
  { what: 'a folder next to the repository', pattern: /\.\.\/shared\b/ },
  {
    what: 'the host of a package registry',
    pattern:
      /registry\.(?:npmjs|yarnpkg)\.\w+|npm\.pkg\.github\.\w+|pypi\.(?:org|io)|files\.pythonhosted|(?:proxy|sum)\.golang\.\w+/,
  },
];

/** Checks that no file names a folder of a developer's machine or the host of a package registry. */
export function foreignNames(): Finding[] {
  const problems = listFiles('').flatMap((path) => {
    const bytes = readFileSync(join(ROOT, path));
    if (bytes.includes(0)) return [];
    const lines = bytes.toString('utf8').split('\n');
    return lines.flatMap((line, i) =>
      FORBIDDEN.filter(({ pattern }) => pattern.test(line)).map(({ what }) => `${path}:${i + 1} names ${what}`),
    );
  });
  return [{ subject: 'no machine paths and registry hosts', problems }];
}

function sourcesOf({ folder }: WorkspacePackage): SourceFile[] {
  const paths = listFiles(folder, ['.ts', '.js', '.mjs']);
  return paths.filter((path) => !path.includes('/assembly/')).map(readSourceFile);
}

function relativeImports(file: SourceFile): string[] {
  return file.imports.flatMap(({ specifier }) => resolveRelative(file.path, specifier) ?? []);
}

function isTest(path: string): boolean {
  return /\.(test|bench)\.ts$|\/fixtures\//.test(path);
}
