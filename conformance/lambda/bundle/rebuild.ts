import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@soci/test-content/vitest';
import { runWell } from '../../registries/run-program.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PACKAGES = join(ROOT, 'packages');

/** Packages whose code is in the functions, and the one that lists them. */
const COPIED = ['bundle-report', 'ecr', 'filter', 'functions', 'index', 'oci', 'registry', 'registry-jobs', 'ztoc'];

/**
 * Bundles the functions from copies of the built packages, in a folder for the current test.
 *
 * @param env - Variables of the build.
 * @returns The folder with the zips.
 */
export async function buildElsewhere(env: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(temporaryFolder(), 'elsewhere');
  for (const name of COPIED) copyPackage(join(PACKAGES, name), join(folder, 'packages', name));
  // The license and the hashes of the packages.
  for (const name of ['LICENSE', 'pnpm-lock.yaml']) cpSync(join(ROOT, name), join(folder, name));
  const own = join(folder, 'packages', 'functions');
  await runWell(process.execPath, [join(own, 'dist', 'bundle', 'write-bundles.js')], { env });
  return join(own, 'dist', 'functions');
}

function copyPackage(from: string, to: string): void {
  for (const name of ['dist', 'package.json']) {
    cpSync(join(from, name), join(to, name), {
      recursive: true,
      // Build results are not copied.
      filter: (path) => path !== join(from, 'dist', 'functions'),
    });
  }
  linkModules(join(from, 'node_modules'), join(to, 'node_modules'), join(to, '..'));
}

/** Links to our packages point to the copies. Other links point to the original packages. */
function linkModules(from: string, to: string, copies: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = join(from, entry.name);
    if (entry.isDirectory() && entry.name.startsWith('@')) linkModules(path, join(to, entry.name), copies);
    if (!entry.isSymbolicLink()) continue;
    const target = realpathSync(path);
    const isOurs = target.startsWith(PACKAGES + sep);
    symlinkSync(isOurs ? join(copies, relative(PACKAGES, target)) : target, join(to, entry.name));
  }
}

/** Static imports in the format of esbuild: `from"./a.js"`, `import"./a.js"`. */
const AT_ONCE = /(?:from|import)"\.\/([^"]+)"/g;
/** Dynamic imports: `import("./a.js")`. */
const LAZILY = /import\("\.\/([^"]+)"\)/g;

/**
 * Returns the files of a bundle that the entries load, including the entries, sorted.
 *
 * @param options - `lazily`: includes dynamic imports.
 */
export function reachedFiles(
  folder: string,
  entries: readonly string[],
  options: { readonly lazily: boolean },
): string[] {
  const reached = new Set(entries);
  for (const file of reached) {
    const text = readFileSync(join(folder, file), 'utf8');
    const imports = [...text.matchAll(AT_ONCE), ...(options.lazily ? text.matchAll(LAZILY) : [])];
    for (const [, name = ''] of imports) reached.add(name);
  }
  return [...reached].sort();
}
