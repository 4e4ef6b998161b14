import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

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
export function foldersAbove(name: string): TreeEntry[] {
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
