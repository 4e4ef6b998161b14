// Nothing that is installed with a published package may run code at install time.
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { report } from '../report.ts';
import { publishedPackages, ROOT, readManifest } from '../workspace/packages.ts';

/** `prepare` is not among them: it runs in a package's own checkout, never for one that comes from the registry. */
const HOOKS = ['preinstall', 'install', 'postinstall'];

for (const unit of publishedPackages()) {
  const closure = closureOf(join(ROOT, unit.folder));
  report(`no install script in ${unit.name} and what it brings (${closure.size - 1})`, [...closure].flatMap(hooksOf));
}

function hooksOf(folder: string): string[] {
  const { name, version, scripts = {} } = readManifest(folder);
  const hooks = HOOKS.filter((hook) => hook in scripts);
  const native = existsSync(join(folder, 'binding.gyp')) ? ['binding.gyp, which npm builds'] : [];
  return [...hooks, ...native].map((hook) => `${name}@${version} has ${hook}`);
}

/** The folders of a package and of everything its dependencies bring in, as installed here. */
function closureOf(folder: string, seen = new Set<string>()): Set<string> {
  if (seen.has(folder)) return seen;
  seen.add(folder);
  const { dependencies = {}, optionalDependencies = {} } = readManifest(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const found = findPackage(name, folder);
    if (found !== null) closureOf(found, seen);
    else if (!(name in optionalDependencies)) throw new Error(`${name}, a dependency of ${folder}, is not installed`);
  }
  return seen;
}

function findPackage(name: string, from: string): string | null {
  const lookup = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  const found = lookup.map((path) => join(path, name)).find((path) => existsSync(join(path, 'package.json')));
  return found === undefined ? null : realpathSync(found);
}
