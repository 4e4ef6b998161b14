import { existsSync } from 'node:fs';
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foldersAbove, listTree, type TreeEntry, treeSize } from './tree.ts';

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
