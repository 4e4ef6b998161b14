import { existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DeploymentPackage } from './deployment-package.ts';
import { findForeign } from './earlier-package.ts';

/**
 * Writes a package to a folder that is new or empty, or in place of an earlier package: whole, or not at all.
 *
 * @throws Error where something else is there, which stays as it is.
 */
export function writePackage({ files }: DeploymentPackage, folder: string): void {
  const isThere = existsSync(folder);
  // A link to a folder stays one.
  const place = isThere ? realpathSync(folder) : folder;
  if (isThere) checkReplaceable(place);
  mkdirSync(dirname(place), { recursive: true });
  // Beside it, since a rename does not leave a disk; under a name that nobody has.
  const aside = mkdtempSync(join(dirname(place), `.${basename(place)}-`));
  try {
    const made = join(aside, 'made');
    for (const [key, content] of files) {
      const path = join(made, key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    const earlier = join(aside, 'earlier');
    if (isThere) renameSync(place, earlier);
    try {
      renameSync(made, place);
    } catch (error) {
      if (isThere) renameSync(earlier, place);
      throw error;
    }
  } finally {
    rmSync(aside, { recursive: true });
  }
}

function checkReplaceable(folder: string): void {
  const remedy = 'nothing was written; name a folder that is new, empty or holds an earlier package only';
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder: ${remedy}`);
  const foreign = findForeign(folder);
  if (foreign !== undefined) throw new Error(`${folder} holds ${foreign}, which is of no package: ${remedy}`);
}
