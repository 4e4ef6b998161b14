import { NO_BYTES } from '../byte-strings.ts';
import { PathNames } from '../paths/path-names.ts';
import { ABSENT, PathSet, PathTable } from '../paths/path-table.ts';
import type { FileEntry } from '../ztoc.ts';
import { ENTRY_TYPE, type EntryNames } from './entry-names.ts';
import type { ProblemCollector } from './runtime-problem.ts';

/** A path of a layer counts once for each directory that no entry describes. Real layers have few such directories. */
const PATHS_PER_ENTRY = 4;
const MIN_PATHS = 1 << 16;

/** The files of a layer as the runtime stores them. */
interface LayerTree {
  readonly paths: PathTable;
  /** For each entry, the number of its file. `ABSENT` for a hard link without a target. */
  readonly nodes: Uint32Array;
  /** For each entry, 1 if it is that of a directory. */
  readonly isDirectory: Uint8Array;
  /** Whether there are hard links. */
  readonly hasHardLinks: boolean;
}

/**
 * Adds the entries to a tree as the runtime does. Calls `onMissing` with each hard link whose target is not in it at that
 * time. Returns undefined if the names have more directories than those of any real image.
 */
function buildTree(
  files: Iterable<FileEntry>,
  count: number,
  onMissing: (link: FileEntry) => void,
): LayerTree | undefined {
  const paths = new PathTable(MIN_PATHS + PATHS_PER_ENTRY * count, count);
  const nodes = new Uint32Array(count);
  const isDirectory = new Uint8Array(count);
  const path = new PathNames();
  let entry = 0;
  let hasHardLinks = false;
  for (const file of files) {
    let node: number;
    if (file.type === 'hardlink') {
      hasHardLinks = true;
      node = paths.find(path.set(file.linkName));
      if (node === ABSENT) onMissing(file);
      else paths.link(path.set(file.name), node);
    } else {
      path.set(file.name);
      // A directory keeps what earlier entries put in it.
      node = file.type === 'dir' ? paths.find(path) : ABSENT;
      if (node === ABSENT) node = paths.add(path);
    }
    if (paths.isFull) return undefined;
    nodes[entry] = node;
    isDirectory[entry] = file.type === 'dir' ? 1 : 0;
    entry += 1;
  }
  return { paths, nodes, isDirectory, hasHardLinks };
}

/**
 * Finds hard links without a target, and entries that the runtime shows as directories because of a hard link. The entry of
 * a directory does not get a new file if its path has one: the runtime overwrites that one, with all its hard links.
 */
export function checkHardLinks(files: Iterable<FileEntry>, count: number, found: ProblemCollector): void {
  const tree = buildTree(files, count, (link) => found.add('hard-link-target-missing', 'pulled-whole', link));
  if (!tree?.hasHardLinks) return;
  const { paths, nodes, isDirectory } = tree;
  // The root and the directories that no entry describes are in the tree, too.
  const isShownAsDirectory = new Uint8Array(paths.files + 1).fill(1);
  isShownAsDirectory[ABSENT] = 0;
  // Hard links have the file of another entry, or a directory that no entry describes.
  let entry = 0;
  for (const { type } of files) {
    if (type !== 'hardlink' && type !== 'dir') isShownAsDirectory[nodes[entry] as number] = 0;
    entry += 1;
  }
  nodes.forEach((node, entry) => {
    if (isDirectory[entry] === 1) isShownAsDirectory[node] = 1;
  });
  const path = new PathNames();
  /** The last entry of each path that is shown as a directory, if it is not the entry of one. Keys are hashes. */
  const last = new Map<number, number>();
  entry = 0;
  for (const { name, type } of files) {
    path.set(name);
    if (type !== 'dir' && path.length > 0 && isShownAsDirectory[paths.find(path)] === 1) last.set(keyOf(path), entry);
    else if (last.size > 0) last.delete(keyOf(path));
    entry += 1;
  }
  if (last.size === 0) return;
  const shown = new Set(last.values());
  entry = 0;
  for (const file of files) {
    if (shown.has(entry)) found.add('hard-link-to-directory', 'shown-differently', file);
    entry += 1;
  }
}

/** Returns 53 bits of the hash of a path. */
function keyOf(path: PathNames): number {
  const { first, second } = path.hash;
  return first * 2 ** 21 + (second >>> 11);
}

/**
 * Returns whether {@link checkHardLinks} may find anything in a layer in which each hard link has a file of another entry as
 * its target: whether the path of a link or of a target is also that of a directory.
 */
export function mayLinkDirectories(names: EntryNames): boolean {
  const linked = new PathSet();
  const path = new PathNames();
  let hasHardLinks = false;
  const add = (bytes: Uint8Array, start: number, end: number) => {
    hasHardLinks = true;
    linked.add(path.set(bytes, start, end).hash);
  };
  names.visitHardLinkTargets(add);
  if (!hasHardLinks) return false;
  names.visitNames(add, ENTRY_TYPE.hardLink);
  let isFound = linked.has(path.set(NO_BYTES).hash);
  names.visitNames((bytes, start, end) => {
    isFound ||= linked.has(path.set(bytes, start, end).hash);
  }, ENTRY_TYPE.directory);
  return isFound;
}

/**
 * Finds the entries that no container sees, because a later entry replaces them: in the end no path leads to their file, or
 * it is a directory. See {@link checkHardLinks} for directories.
 *
 * @returns 1 for each such entry, or undefined if no entry is replaced.
 */
export function findReplaced(files: Iterable<FileEntry>, count: number): Uint8Array | undefined {
  const tree = buildTree(files, count, () => {});
  if (tree === undefined) return undefined;
  const { paths, nodes, isDirectory } = tree;
  const reachable = paths.findReachable();
  const becameDirectory = new Uint8Array(reachable.length);
  nodes.forEach((node, entry) => {
    if (isDirectory[entry] === 1) becameDirectory[node] = 1;
  });
  const replaced = Uint8Array.from(nodes, (node, entry) =>
    reachable[node] === 0 || (becameDirectory[node] === 1 && isDirectory[entry] === 0) ? 1 : 0,
  );
  return replaced.includes(1) ? replaced : undefined;
}
