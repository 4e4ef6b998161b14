// Runs before anything is installed: plain JavaScript for Node >= 20.19, node: modules only.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const IGNORED = new Set(['node_modules', 'dist', '.turbo', '.reports']);

/** The workspace's folders, relative to `root`: those of pnpm-workspace.yaml that hold a package.json. */
export function workspaceFolders(root) {
  const grouped = ['packages', 'apps'].flatMap((group) =>
    list(join(root, group))
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(group, entry.name)),
  );
  return [...grouped, 'conformance', 'bench'].filter(
    (folder) => readOrNull(join(root, folder, 'package.json')) !== null,
  );
}

/**
 * One hash over the names and contents of files and, in depth, of folders. A path that does not exist counts as such.
 *
 * @param {string} root what the paths are relative to
 * @param {string[]} paths
 * @param {string[]} facts what else the result hangs on, such as a version
 */
export function fingerprint(root, paths, facts = []) {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const file of paths.flatMap((path) => filesBelow(join(root, path))).sort()) {
    const content = readOrNull(file);
    const name = relative(root, file).split(sep).join('/');
    hash.update(`\n${name} ${content === null ? 'absent' : content.length}\n`).update(content ?? '');
  }
  return hash.digest('hex');
}

/** The stamp that the last successful step left, or null. */
export function readStamp(file) {
  return readOrNull(file)?.toString() ?? null;
}

/** Says that a step has succeeded on what `stamp` stands for. */
export function writeStamp(file, stamp) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, stamp);
}

function filesBelow(path) {
  const entries = list(path);
  if (entries.length === 0) return [path];
  return entries.filter(({ name }) => !IGNORED.has(name)).flatMap(({ name }) => filesBelow(join(path, name)));
}

/** A folder's entries; none for a file and for what does not exist. */
function list(path) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  }
}

function readOrNull(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EISDIR') return null;
    throw error;
  }
}
