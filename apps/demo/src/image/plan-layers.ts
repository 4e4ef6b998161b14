import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A layer of the demonstration image. */
export interface LayerPlan {
  /** Title, such as `Node v24.21.0`. */
  readonly title: string;
  readonly entries: readonly TreeEntry[];
}

/** Maximum size of a layer of dependencies, in bytes. */
const DEPENDENCY_LAYER_SIZE = 150e6;
/** Maximum number of layers of dependencies. Packages that do not fit are left out. */
const MAX_DEPENDENCY_LAYERS = 2;

const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Plans an image from files of this machine, with the layers of a Node.js application: system libraries (on Linux, so that
 * containers can run), the runtime, its package manager, the application's dependencies (`node_modules` in `folder`, if it
 * exists), and the application.
 */
export async function planLayers(folder: string): Promise<LayerPlan[]> {
  const node = await realpath(process.execPath);
  const prefix = dirname(dirname(node));
  const runtime = [
    ...parentFolders('usr/local/bin/node'),
    ...(await listTree(node, 'usr/local/bin/node')),
    ...(await listTree(join(prefix, 'include', 'node'), 'usr/local/include/node')),
  ];
  const plans: LayerPlan[] = [];
  const libraries: TreeEntry[] = [];
  for (const { source, path } of await listSystemLibraries(node)) {
    const name = path.slice(1);
    libraries.push(...parentFolders(name), ...(await listTree(source, name)));
  }
  if (libraries.length > 0) plans.push({ title: 'system libraries', entries: withoutRepeats(libraries) });
  plans.push({ title: `Node ${process.version}`, entries: runtime });

  const modules = join(prefix, 'lib', 'node_modules');
  if (existsSync(join(modules, 'npm'))) {
    const entries = [
      ...parentFolders('usr/local/lib/node_modules/npm'),
      ...(await listTree(join(modules, 'npm'), 'usr/local/lib/node_modules/npm')),
    ];
    plans.push({ title: 'npm', entries });
  }
  plans.push(...(await planDependencies(join(folder, 'node_modules'), node)));
  plans.push({ title: 'the application', entries: await listApplication() });
  return plans;
}

/** Divides the packages of `node_modules` among layers. */
async function planDependencies(modules: string, node: string): Promise<LayerPlan[]> {
  const canRead = await access(modules, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!canRead) return [];
  // The runtime can be in `node_modules` too, but is in its own layer already.
  const exclude = (source: string) => source === node || source.endsWith('/.cache') || source.endsWith('.tmp');
  const layers: TreeEntry[][] = [];
  let layer: TreeEntry[] = [];
  for (const { source, name } of await packageFolders(modules)) {
    const entries = await listTree(source, name, exclude);
    const isFull = treeSize(layer) + treeSize(entries) > DEPENDENCY_LAYER_SIZE;
    if (layers.length === 0 || isFull) {
      if (layers.length === MAX_DEPENDENCY_LAYERS) continue;
      layer = [];
      layers.push(layer);
    }
    layer.push(...entries);
  }
  const full = layers.filter((entries) => entries.length > 0);
  return full.map((entries, index) => ({
    title: full.length === 1 ? 'dependencies' : `dependencies ${index + 1}`,
    entries: [...parentFolders('app/node_modules/package'), ...entries],
  }));
}

/** Lists the package directories in `node_modules`, and in pnpm's store inside it. */
async function packageFolders(modules: string): Promise<{ source: string; name: string }[]> {
  // Skips hidden directories, which are tools and caches. pnpm's store is listed below.
  const children = (await readdir(modules)).sort().filter((child) => child === '.bin' || !child.startsWith('.'));
  const store = (await readdir(join(modules, '.pnpm')).catch(() => [])).sort();
  return [
    ...store.map((child) => ({ source: join(modules, '.pnpm', child), name: `app/node_modules/.pnpm/${child}` })),
    ...children.map((child) => ({ source: join(modules, child), name: `app/node_modules/${child}` })),
  ];
}

/** Lists the files of this demonstration, which serves as the application. The layer is too small to be indexed. */
async function listApplication(): Promise<TreeEntry[]> {
  const parts = await Promise.all(
    ['dist', 'package.json'].map((part) => listTree(join(PACKAGE_FOLDER, part), `app/${part}`)),
  );
  return [...parentFolders('app/package.json'), ...parts.flat()];
}

/** A file, directory or link of this machine, and its name in the image. */
export interface TreeEntry {
  /** Path on this machine. */
  readonly source: string;
  /** Path in the image, without a leading slash. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Size of a file in bytes, otherwise 0. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Modification time, in seconds since 1970. */
  readonly modified: number;
  /** Target of a link, otherwise empty. */
  readonly target: string;
}

/** Returns whether to exclude a path of this machine. */
export type Exclude = (source: string) => boolean;

/**
 * Lists a directory recursively, sorted by name, with paths in the image that start with `name`. Does not follow links.
 * Skips unreadable files and special files.
 */
export async function listTree(source: string, name: string, exclude: Exclude = () => false): Promise<TreeEntry[]> {
  const entry = await describeEntry(source, name);
  if (entry === undefined || exclude(source)) return [];
  if (entry.kind !== 'folder') return [entry];
  const names = await readdir(source).catch(() => []);
  const below: TreeEntry[] = [];
  for (const child of names.sort()) below.push(...(await listTree(join(source, child), `${name}/${child}`, exclude)));
  return [entry, ...below];
}

async function describeEntry(source: string, name: string): Promise<TreeEntry | undefined> {
  try {
    const stats = await lstat(source);
    const common = { source, name, mode: stats.mode & 0o777, modified: Math.floor(stats.mtimeMs / 1000) };
    if (stats.isFile()) return { ...common, kind: 'file', size: stats.size, target: '' };
    if (stats.isDirectory()) return { ...common, kind: 'folder', size: 0, target: '' };
    if (stats.isSymbolicLink()) return { ...common, kind: 'link', size: 0, target: await readlink(source) };
    return undefined;
  } catch {
    return undefined;
  }
}

/** Returns entries for the parent directories of a path: `usr`, `usr/local`. */
function parentFolders(name: string): TreeEntry[] {
  const parts = name.split('/').slice(0, -1);
  return parts.map((_, index) => ({
    source: '',
    name: parts.slice(0, index + 1).join('/'),
    kind: 'folder',
    size: 0,
    mode: 0o755,
    modified: 0,
    target: '',
  }));
}

/** Returns the first entry of each name. */
function withoutRepeats(entries: readonly TreeEntry[]): TreeEntry[] {
  const byName = new Map<string, TreeEntry>();
  for (const entry of entries) if (!byName.has(entry.name)) byName.set(entry.name, entry);
  return [...byName.values()];
}

/** Returns the total size of the files, in bytes. */
export function treeSize(entries: readonly TreeEntry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}

/** A shared library of a program, or its loader. */
interface SystemLibrary {
  /** File on this machine, without links. */
  readonly source: string;
  /** Absolute path under which the program finds it. */
  readonly path: string;
}

/**
 * Lists the shared libraries that a program needs on Linux, with `ldd`. Returns an empty list on other systems, for static programs,
 * and if `ldd` does not exist.
 */
async function listSystemLibraries(program: string): Promise<SystemLibrary[]> {
  if (process.platform !== 'linux') return [];
  const { stdout } = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: '' }));
  // "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)", and "/lib64/ld-linux-x86-64.so.2 (0x...)" for the loader.
  const paths = [...stdout.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  return Promise.all([...new Set(paths)].map(async (path) => ({ path, source: await realpath(path) })));
}
