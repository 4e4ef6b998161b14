import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildPackages,
  makeTemporaryFolder,
  publishedPackages,
  ROOT,
  runPnpm,
  type WorkspacePackage,
} from '../workspace/packages.ts';
import { publishedManifest, type RootManifest, readRootManifest, repositoryAddress } from './manifest.ts';
import { absoluteLinks } from './readme-links.ts';
import { readTarball, writeTarball } from './tarball.ts';

/** A published package and its tarball: the bytes that a release uploads. */
export interface PackedPackage {
  readonly unit: WorkspacePackage;
  /** Absolute path of the tarball. */
  readonly tarball: string;
}

let packed: readonly PackedPackage[] | undefined;

/**
 * Builds every published package and packs it into a temporary folder, once per process.
 *
 * @throws Error with the tool's output if a build or a pack fails.
 */
export function packPackages(): readonly PackedPackage[] {
  packed ??= packInto(makeTemporaryFolder('pack'));
  return packed;
}

/** Builds every published package and packs it into `folder`, which is replaced as a whole. */
export function writePackages(folder: string): readonly PackedPackage[] {
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const written = packInto(unfinished);
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
  return written.map(({ unit, tarball }) => ({ unit, tarball: tarball.replace(unfinished, folder) }));
}

/** Packs one published package, which is built already, into `folder`. Returns the path of the tarball. */
export function packPackage(name: string, folder: string): string {
  const unit = publishedPackages().find((published) => published.name === name);
  if (unit === undefined) throw new Error(`${name} is not a published package`);
  return pack(unit, folder, readRootManifest());
}

function packInto(folder: string): PackedPackage[] {
  buildPackages();
  const root = readRootManifest();
  return publishedPackages().map((unit) => ({ unit, tarball: pack(unit, folder, root) }));
}

function pack(unit: WorkspacePackage, folder: string, root: RootManifest): string {
  const tarball = join(folder, `${unit.name.replace('@', '').replace('/', '-')}-${unit.manifest.version}.tgz`);
  runPnpm(join(ROOT, unit.folder), 'pack', '--out', tarball);
  writeFileSync(tarball, finish(readFileSync(tarball), unit.folder, root));
  return tarball;
}

/** Writes the shared fields into the manifest, and makes the links of the README absolute. */
function finish(tarball: Buffer, folder: string, root: RootManifest): Buffer {
  const targets = { folder, address: repositoryAddress(root), kindOf };
  const rewritten = readTarball(tarball).map((file) => {
    const text = () => file.content.toString('utf8');
    if (file.name === 'package.json') {
      const manifest = publishedManifest(JSON.parse(text()), folder, root);
      return { ...file, content: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) };
    }
    return file.name === 'README.md' ? { ...file, content: Buffer.from(absoluteLinks(text(), targets)) } : file;
  });
  return writeTarball(rewritten);
}

/** Returns whether a path of the repository is a file or a folder. Returns undefined if it does not exist. */
function kindOf(path: string): 'file' | 'folder' | undefined {
  const stats = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return stats.isDirectory() ? 'folder' : 'file';
}
