// `npm run pack` and `npm run release`. Prints what it does, and an error as one message without a stack.
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
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
  const unknown = args.filter((word) => word !== '--dry-run');
  if (unknown.length > 0) throw new Error(`unknown option ${unknown.join(' ')}: the only option is --dry-run`);
  return args.includes('--dry-run') ? dryRun() : release();
}

function pack(): void {
  for (const { tarball } of writePackages(join(ROOT, 'dist-packages'))) {
    console.log(`${relative(ROOT, tarball)}  ${statSync(tarball).size} bytes`);
  }
  const unset = unsetFields(readRootManifest()).map(({ field }) => field);
  if (unset.length > 0) console.log(`Not set in package.json, and needed by a release only: ${unset.join(', ')}`);
}
