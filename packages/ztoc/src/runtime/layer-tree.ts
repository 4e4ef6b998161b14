import { PathNames } from '../paths/path-names.ts';
import { ABSENT, PathTable } from '../paths/path-table.ts';
import type { FileEntry } from '../ztoc.ts';
import type { ProblemCollector } from './runtime-problem.ts';

/** A path of a layer counts once for each directory that no entry describes. Real layers have few such directories. */
const PATHS_PER_ENTRY = 4;
const MIN_PATHS = 1 << 16;

/** Adds the entries to a tree as the runtime does. The target of a hard link must be in it at that time. */
export function checkHardLinks(files: Iterable<FileEntry>, count: number, found: ProblemCollector): void {
  buildTree(files, count, (file, node) => {
    if (node === ABSENT) found.add('hard-link-target-missing', 'pulled-whole', file);
  });
}

/**
 * Adds the entries to a tree as the runtime does. Calls `visit` with each entry and the number of its file, which is `ABSENT`
 * for a hard link without a target. Returns undefined if the names have more directories than those of any real image.
 */
function buildTree(
  files: Iterable<FileEntry>,
  count: number,
  visit: (file: FileEntry, node: number) => void,
): PathTable | undefined {
  const table = new PathTable(MIN_PATHS + PATHS_PER_ENTRY * count, count);
  const path = new PathNames();
  for (const file of files) {
    let node: number;
    if (file.type === 'hardlink') {
      node = table.find(path.set(file.linkName));
      if (node !== ABSENT) table.link(path.set(file.name), node);
    } else {
      path.set(file.name);
      // A directory keeps what earlier entries put in it.
      node = file.type === 'dir' ? table.find(path) : ABSENT;
      if (node === ABSENT) node = table.add(path);
    }
    visit(file, node);
    if (table.isFull) return undefined;
  }
  return table;
}

/**
 * Finds the entries that no container sees, because a later entry replaces them: in the end no path leads to their file, or
 * it is a directory. The entry of a directory does not get a new file if its path has one: the runtime overwrites that one,
 * with all its hard links.
 *
 * @returns 1 for each such entry, or undefined if no entry is replaced.
 */
export function findReplaced(files: Iterable<FileEntry>, count: number): Uint8Array | undefined {
  const nodes = new Uint32Array(count);
  const isDirectory = new Uint8Array(count);
  let entry = 0;
  const tree = buildTree(files, count, ({ type }, node) => {
    nodes[entry] = node;
    isDirectory[entry] = type === 'dir' ? 1 : 0;
    entry += 1;
  });
  if (tree === undefined) return undefined;
  const reachable = tree.findReachable();
  const becameDirectory = new Uint8Array(reachable.length);
  nodes.forEach((node, entry) => {
    if (isDirectory[entry] === 1) becameDirectory[node] = 1;
  });
  const replaced = Uint8Array.from(nodes, (node, entry) =>
    reachable[node] === 0 || (becameDirectory[node] === 1 && isDirectory[entry] === 0) ? 1 : 0,
  );
  return replaced.includes(1) ? replaced : undefined;
}
