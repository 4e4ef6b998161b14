import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@soci/test-content/vitest';
import { runWell } from '../../registries/run-program.ts';

const PACKAGES = fileURLToPath(new URL('../../../packages', import.meta.url));

/** Those whose code is in the functions. */
const COPIED = ['ecr', 'filter', 'functions', 'index', 'oci', 'registry', 'ztoc'];

/**
 * Bundles the functions once more: from copies of our packages, as they were built, in a folder for the test that runs.
 *
 * @param env - Variables of the build.
 * @returns The folder where the zips are.
 */
export async function buildElsewhere(env: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(temporaryFolder(), 'elsewhere');
  for (const name of COPIED) copyPackage(join(PACKAGES, name), join(folder, name));
  const own = join(folder, 'functions');
  await runWell(process.execPath, [join(own, 'dist', 'bundle', 'write-bundles.js')], { env });
  return join(own, 'dist', 'functions');
}

function copyPackage(from: string, to: string): void {
  for (const name of ['dist', 'package.json']) {
    cpSync(join(from, name), join(to, name), {
      recursive: true,
      // What is to be made is not copied.
      filter: (path) => path !== join(from, 'dist', 'functions'),
    });
  }
  linkModules(join(from, 'node_modules'), join(to, 'node_modules'), join(to, '..'));
}

/** Links to our packages lead to their copies; what others wrote stays where it is. */
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

/** As esbuild writes them: `from"./a.js"`, `import"./a.js"`. */
const AT_ONCE = /(?:from|import)"\.\/([^"]+)"/g;
/** `import("./a.js")`. */
const LAZILY = /import\("\.\/([^"]+)"\)/g;

/**
 * The files of a bundle that entries come to load, themselves included, sorted.
 *
 * @param options - `lazily`: what is imported on demand as well.
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
