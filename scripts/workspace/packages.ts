import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspaceFolders } from '../fingerprint.mjs';
import { pnpm, QUIET_ENV, ROOT } from '../setup.mjs';

export { ROOT };

/** The result of a check on one subject. */
export interface Finding {
  /** The checked object. */
  readonly subject: string;
  /** Problems, one line each. Empty if the check passed. */
  readonly problems: readonly string[];
  /** Why the check did not run, and what it needs. */
  readonly skipped?: string;
}

type Exports = Record<string, string | Record<string, string>>;

/** Fields of a package.json that the checks read. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly private?: boolean;
  readonly exports?: Exports;
  readonly publishConfig?: { readonly exports?: Exports };
  readonly bin?: Record<string, string>;
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly author?: string;
  /** Languages that jsii writes packages for. */
  readonly jsii?: { readonly targets: Readonly<Record<string, object>> };
}

/** A package of the workspace. */
export interface WorkspacePackage {
  readonly name: string;
  /** Folder, relative to the repository, such as `packages/ztoc`. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Source files of the package's exports: those of the condition `@soci/source`. */
  readonly entries: readonly string[];
}

/** Returns all packages of the workspace, sorted by folder. */
export function readPackages(): WorkspacePackage[] {
  return workspaceFolders(ROOT).map((folder: string) => {
    const manifest = readManifest(join(ROOT, folder));
    const targets = Object.values(manifest.exports ?? {});
    const sources = targets.flatMap((target) => (typeof target === 'string' ? [] : sourceOf(target)));
    return { name: manifest.name, folder, manifest, entries: sources.map((source) => join(folder, source)) };
  });
}

/** Returns the source of an export. Without the condition `@soci/source`, derives it from the path of the build. */
function sourceOf(target: Readonly<Record<string, string>>): string[] {
  const { '@soci/source': source, default: built = '' } = target;
  if (source !== undefined) return [source];
  return built.startsWith('./dist/') ? [built.replace('./dist/', './src/').replace(/\.js$/, '.ts')] : [];
}

/** Returns the packages that are published. */
export function publishedPackages(): WorkspacePackage[] {
  return readPackages().filter(({ manifest }) => manifest.private !== true);
}

/** Returns the subpaths that users may import from a published package, such as `.` and `./layout`. */
export function publishedSubpaths({ exports = {}, publishConfig }: Manifest): string[] {
  return Object.keys(publishConfig?.exports ?? exports);
}

/** Reads the package.json of a folder. `folder` is an absolute path. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Generated folders, in addition to all folders whose name starts with a dot, except {@link DOT_FOLDERS}. */
const GENERATED = new Set(['node_modules', 'dist', 'dist-packages', 'dist-release', 'dist-standalone']);
const DOT_FOLDERS = new Set(['.changeset', '.ci', '.github']);

/** Lists the files below `folder` with one of `endings`, relative to the repository, without generated folders. */
export function listFiles(folder: string, endings: readonly string[] = ['']): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === '.git') return []; // A file in a linked worktree.
    const name = join(folder, entry.name);
    if (entry.isFile()) return endings.some((ending) => name.endsWith(ending)) ? [name] : [];
    const isGenerated = GENERATED.has(entry.name) || (entry.name.startsWith('.') && !DOT_FOLDERS.has(entry.name));
    return entry.isDirectory() && !isGenerated ? listFiles(name, endings) : [];
  });
}

/** Builds all packages whose sources have changed. */
export function buildPackages(): void {
  runPnpm(ROOT, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only');
}

/**
 * Runs the pinned pnpm in a folder.
 *
 * @throws {Error} If pnpm fails, with its output.
 */
export function runPnpm(cwd: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('npx', pnpm(...args), { cwd, env: QUIET_ENV, encoding: 'utf8' });
  if (status !== 0) throw new Error(`pnpm ${args.join(' ')} in ${cwd} exited with ${status}:\n${stdout}${stderr}`);
}

/** Creates a temporary folder that is removed when the process exits. */
export function makeTemporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `soci-${name}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
