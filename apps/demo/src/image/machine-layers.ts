import { existsSync } from 'node:fs';
import { access, constants, lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a layer of the demonstration image holds. */
export interface LayerPlan {
  /** What a person calls it, such as `Node v24.21.0`. */
  readonly title: string;
  readonly entries: readonly TreeEntry[];
}

/** Dependencies are cut into layers of about this many bytes... */
const DEPENDENCY_LAYER_SIZE = 150e6;
/** ...of which there are no more than this; what does not fit is left out. */
const MAX_DEPENDENCY_LAYERS = 2;

const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Plans an image of what is on this machine, in the layers that a Node application's image has: the runtime, its package
 * manager, the application's dependencies (`node_modules` of `folder`, where there is one), the application.
 */
export async function planLayers(folder: string): Promise<LayerPlan[]> {
  const node = await realpath(process.execPath);
  const prefix = dirname(dirname(node));
  const runtime = [
    ...foldersAbove('usr/local/bin/node'),
    ...(await listTree(node, 'usr/local/bin/node')),
    ...(await listTree(join(prefix, 'include', 'node'), 'usr/local/include/node')),
  ];
  const plans: LayerPlan[] = [{ title: `Node ${process.version}`, entries: runtime }];

  const modules = join(prefix, 'lib', 'node_modules');
  if (existsSync(join(modules, 'npm'))) {
    const entries = [
      ...foldersAbove('usr/local/lib/node_modules/npm'),
      ...(await listTree(join(modules, 'npm'), 'usr/local/lib/node_modules/npm')),
    ];
    plans.push({ title: 'npm', entries });
  }
  plans.push(...(await planDependencies(join(folder, 'node_modules'), node)));
  plans.push({ title: 'the application', entries: await listApplication() });
  return plans;
}

/** The dependencies' folder, cut between its packages where a layer is full. */
async function planDependencies(modules: string, node: string): Promise<LayerPlan[]> {
  const canRead = await access(modules, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!canRead) return [];
  // The runtime may come from there; it stands in its own layer already.
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
    entries: [...foldersAbove('app/node_modules/package'), ...entries],
  }));
}

/** Folders that hold one package each: the children of `node_modules`, and those of pnpm's store inside it. */
async function packageFolders(modules: string): Promise<{ source: string; name: string }[]> {
  // Names with a dot are of tools and their caches; of pnpm's store the packages are taken one by one.
  const children = (await readdir(modules)).sort().filter((child) => child === '.bin' || !child.startsWith('.'));
  const store = (await readdir(join(modules, '.pnpm')).catch(() => [])).sort();
  return [
    ...store.map((child) => ({ source: join(modules, '.pnpm', child), name: `app/node_modules/.pnpm/${child}` })),
    ...children.map((child) => ({ source: join(modules, child), name: `app/node_modules/${child}` })),
  ];
}

/** This demonstration itself plays the application: a layer so small that indexing it would not pay. */
async function listApplication(): Promise<TreeEntry[]> {
  const parts = await Promise.all(
    ['dist', 'package.json'].map((part) => listTree(join(PACKAGE_FOLDER, part), `app/${part}`)),
  );
  return [...foldersAbove('app/package.json'), ...parts.flat()];
}

/** A file, folder or link of the machine, and its name in the image. */
export interface TreeEntry {
  /** Where it is. */
  readonly source: string;
  /** Path in the image, without a leading slash. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Bytes of a file; 0 otherwise. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Last change, in whole seconds since 1970. */
  readonly modified: number;
  /** What a link points to; empty otherwise. */
  readonly target: string;
}

/** What not to take along, by its path on the machine. */
export type Exclude = (source: string) => boolean;

/**
 * Lists a folder with all that is in it, sorted by name, as it will stand in the image under `name`. Links are listed,
 * not followed. What cannot be read, and what is neither file, folder nor link, is left out.
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

/** The folders above a path, for a layer that starts deep: `usr`, `usr/local`. */
function foldersAbove(name: string): TreeEntry[] {
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

/** Bytes of the files of a tree. */
export function treeSize(entries: readonly TreeEntry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}
