import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TEMPLATE_KEY } from './deployment-package.ts';
import { isFunctionKey } from './function-keys.ts';

/**
 * Looks for what a folder has besides one package, of whatever version and prefix.
 *
 * @returns The first path of that, below the folder; undefined where all is of a package, or there is nothing.
 */
export function findForeign(folder: string): string | undefined {
  const leaves = [...listLeaves(folder)];
  const template = leaves.find((leaf) => leaf === TEMPLATE_KEY || leaf.endsWith(`/${TEMPLATE_KEY}`));
  const prefix = template?.slice(0, -TEMPLATE_KEY.length);
  return leaves.find((leaf) => {
    const isOurs = prefix !== undefined && leaf.startsWith(prefix) && isFunctionKey(leaf.slice(prefix.length));
    return leaf !== template && !isOurs;
  });
}

/** Files by their keys; all else, an empty folder too, with a text that no key has. */
function* listLeaves(folder: string, key = ''): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) yield `${key}${entry.name}`;
    else if (!entry.isDirectory()) yield `${key}${entry.name} (no file)`;
    else if (readdirSync(path).length === 0) yield `${key}${entry.name}/ (empty)`;
    else yield* listLeaves(path, `${key}${entry.name}/`);
  }
}
