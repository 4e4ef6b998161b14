import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
