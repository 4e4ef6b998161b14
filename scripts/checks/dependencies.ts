// Between packages: each imports only what its level allows, declares what it imports, and uses what it declares.
import { builtinModules } from 'node:module';
import { report } from '../report.ts';
import { LEVELS } from '../workspace/levels.ts';
import { listFiles, readPackages, type WorkspacePackage } from '../workspace/packages.ts';
import { packageOf, readSourceFile, resolveRelative } from '../workspace/source-file.ts';

/** One use of a package by a source file. */
interface Use {
  readonly name: string;
  readonly where: string;
  readonly isTest: boolean;
  readonly isType: boolean;
}

const packages = readPackages();
const workspaceNames = new Set(packages.map(({ name }) => name));

for (const unit of packages) report(`dependencies of ${unit.name}`, problemsOf(unit));

function problemsOf(unit: WorkspacePackage): string[] {
  const allowance = LEVELS[unit.name];
  if (allowance === undefined) return ['it has no place in scripts/workspace/levels.ts'];
  const allowed = new Set([...allowance.packages, ...allowance.modules]);
  const { dependencies = {}, peerDependencies = {}, optionalDependencies = {}, devDependencies = {} } = unit.manifest;
  const installed = { ...dependencies, ...peerDependencies, ...optionalDependencies };
  const shipped = new Set(Object.keys(allowance.isBundled ? { ...installed, ...devDependencies } : installed));
  const uses = usesIn(unit);
  const problems: string[] = [];
  for (const { name, where, isTest, isType } of uses) {
    if (name === unit.name) {
      // The example of a README does, and a test runs it.
      if (!isTest) problems.push(`${where} imports its own package by name`);
      continue;
    }
    if (!isTest && !allowed.has(name)) problems.push(`${where} imports ${name}, which its level may not`);
    else if (workspaceNames.has(name) && isTest && !allowed.has(name) && !allowance.tests?.includes(name))
      problems.push(`${where} imports ${name}, upwards`);
    if (name === 'node' || shipped.has(name)) continue;
    if (!isTest && !isType) problems.push(`${where} imports ${name}, which is not in dependencies`);
    else if (!(name in devDependencies)) problems.push(`${where} imports ${name}, which is not in devDependencies`);
  }
  for (const name of Object.keys(installed)) {
    if (!allowed.has(name)) problems.push(`package.json depends on ${name}, which its level may not`);
    if (!uses.some((use) => use.name === name && !use.isTest)) problems.push(`nothing but tests imports ${name}`);
  }
  return problems;
}

function usesIn(unit: WorkspacePackage): Use[] {
  return listFiles(unit.folder, ['.ts', '.js', '.mjs'])
    .filter((path) => !path.includes('/assembly/'))
    .flatMap((path) =>
      readSourceFile(path).imports.map(({ specifier, line, kind }) => ({
        name: usedPackage(path, specifier) ?? unit.name,
        where: `${path}:${line}`,
        isTest: !isShipped(unit, path),
        isType: kind === 'type',
        isRelative: specifier.startsWith('.'),
      })),
    )
    .filter(({ name, isRelative }) => !isRelative || name !== unit.name);
}

/** The package that an import means, by name or by a path into its folder; null for a path to no package. */
function usedPackage(path: string, specifier: string): string | null {
  const target = resolveRelative(path, specifier);
  if (target !== null) return packages.find(({ folder }) => target.startsWith(`${folder}/`))?.name ?? null;
  return builtinModules.includes(specifier) ? 'node' : packageOf(specifier);
}

/** Tests, scripts and configuration may use development dependencies. */
function isShipped(unit: WorkspacePackage, path: string): boolean {
  return /^\/(src|bin)\//.test(path.slice(unit.folder.length)) && !/\.(test|bench)\.ts$|\/fixtures\//.test(path);
}
