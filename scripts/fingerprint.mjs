// Runs before the installation: plain JavaScript for Node >= 20.19 that imports only node: modules.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const IGNORED = new Set(['node_modules', 'dist', '.turbo', '.reports']);

/** Returns the package folders that pnpm-workspace.yaml lists, relative to `root`. */
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
 * Hashes the names and contents of files and folders, recursively. A missing path is part of the hash.
 *
 * @param {string} root Folder that the paths are relative to.
 * @param {string[]} paths
 * @param {string[]} facts Other inputs, such as a version.
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

/** Returns the fingerprint that the last successful step wrote, or null. */
export function readStamp(file) {
  return readOrNull(file)?.toString() ?? null;
}

/** Records that a step succeeded for the inputs with this fingerprint. */
export function writeStamp(file, stamp) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, stamp);
}

function filesBelow(path) {
  const entries = list(path);
  if (entries.length === 0) return [path];
  return entries.filter(({ name }) => !IGNORED.has(name)).flatMap(({ name }) => filesBelow(join(path, name)));
}

/** Lists a folder. Returns an empty list for a file and for a missing path. */
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
