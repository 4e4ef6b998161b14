// `npm run pack` and `npm run release`. Prints what it does, and an error as one message without a stack.
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { languageProblems, writeLanguagePackages } from '../jsii/language-packages.ts';
import { ROOT } from '../setup.mjs';
import { readRootManifest, unsetFields } from './manifest.ts';
import { writePackages } from './pack.ts';
import { dryRun, release } from './release.ts';

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => void | Promise<void>>> = {
  pack,
  release: releaseOrTry,
};

const [name = '', ...args] = process.argv.slice(2);
try {
  await COMMANDS[name]?.(args);
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}

function releaseOrTry(args: readonly string[]): Promise<void> {
  return hasOption(args, '--dry-run') ? dryRun() : release();
}

/** Returns whether the only option that a command has is given. */
function hasOption(args: readonly string[], option: string): boolean {
  const unknown = args.filter((word) => word !== option);
  if (unknown.length > 0) throw new Error(`unknown option ${unknown.join(' ')}: the only option is ${option}`);
  return args.length > 0;
}

/** With `--languages`, also writes the packages of the construct for other languages. */
async function pack(args: readonly string[]): Promise<void> {
  const hasLanguages = hasOption(args, '--languages');
  const folder = join(ROOT, 'dist-packages');
  const packed = writePackages(folder);
  const construct = packed.find(({ unit }) => unit.name === '@soci/construct')?.tarball ?? '';
  const languages = hasLanguages ? await writeLanguagePackages(construct, folder) : [];
  for (const path of [...packed.map(({ tarball }) => tarball), ...languages]) {
    console.log(`${relative(ROOT, path)}  ${statSync(path).size} bytes`);
  }
  for (const problem of hasLanguages ? await languageProblems() : []) console.log(problem);
  const unset = unsetFields(readRootManifest()).map(({ field }) => field);
  if (unset.length > 0) console.log(`Not set in package.json, and needed by a release only: ${unset.join(', ')}`);
}
