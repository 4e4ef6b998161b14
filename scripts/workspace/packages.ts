import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { workspaceFolders } from '../fingerprint.mjs';
import { pnpm, QUIET_ENV, ROOT } from '../setup.mjs';

export { ROOT };

/** The result of a check on one subject. */
export interface Finding {
  /** What was checked. */
  readonly subject: string;
  /** What is wrong with it, a line each; none if the check passed. */
  readonly problems: readonly string[];
}

type Exports = Record<string, string | Record<string, string>>;

/** What the checks read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Exports;
  readonly publishConfig?: { readonly exports?: Exports };
  readonly bin?: Record<string, string>;
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

/** One package of the workspace. */
export interface WorkspacePackage {
  readonly name: string;
  /** Relative to the repository, such as `packages/ztoc`. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** The files that the package offers, as source: those of the export condition `@soci/source`. */
  readonly entries: readonly string[];
}

/** Every package of the workspace, by folder. */
export function readPackages(): WorkspacePackage[] {
  return workspaceFolders(ROOT).map((folder: string) => {
    const manifest = readManifest(join(ROOT, folder));
    const targets = Object.values(manifest.exports ?? {});
    const sources = targets.flatMap((target) => (typeof target === 'string' ? [] : sourceOf(target)));
    return { name: manifest.name, folder, manifest, entries: sources.map((source) => join(folder, source)) };
  });
}

/** The source of an export; of a package that is used as it was built, what its built file was made of. */
function sourceOf(target: Readonly<Record<string, string>>): string[] {
  const { '@soci/source': source, default: built = '' } = target;
  if (source !== undefined) return [source];
  return built.startsWith('./dist/') ? [built.replace('./dist/', './src/').replace(/\.js$/, '.ts')] : [];
}

/** Those that go to the registry. */
export function publishedPackages(): WorkspacePackage[] {
  return readPackages().filter(({ manifest }) => manifest.private !== true);
}

/** What may be imported of a package when it is published, such as `.` and `./layout`: its other entries are the workspace's own. */
export function publishedSubpaths({ exports = {}, publishConfig }: Manifest): string[] {
  return Object.keys(publishConfig?.exports ?? exports);
}

/** The package.json of a folder, given absolutely. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Folders that tools make, or that hold what a run leaves behind: by name, and all that begin with a dot but these. */
const MADE = new Set(['node_modules', 'dist']);
const OURS = new Set(['.changeset', '.ci', '.github']);

/** The files below `folder` whose name ends in one of `endings`, relative to the repository; not what tools make. */
export function listFiles(folder: string, endings: readonly string[] = ['']): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === '.git') return []; // A file in a linked work tree.
    const name = join(folder, entry.name);
    if (entry.isFile()) return endings.some((ending) => name.endsWith(ending)) ? [name] : [];
    const isMade = MADE.has(entry.name) || (entry.name.startsWith('.') && !OURS.has(entry.name));
    return entry.isDirectory() && !isMade ? listFiles(name, endings) : [];
  });
}

/** Builds every package whose sources have changed. */
export function buildPackages(): void {
  runPnpm(ROOT, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only');
}

/**
 * Runs the pinned pnpm in a folder.
 *
 * @throws Error with its output if it fails.
 */
export function runPnpm(cwd: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('npx', pnpm(...args), { cwd, env: QUIET_ENV, encoding: 'utf8' });
  if (status !== 0) throw new Error(`pnpm ${args.join(' ')} in ${cwd} ended with ${status}:\n${stdout}${stderr}`);
}

/** A folder that is removed when the process ends. */
export function makeTemporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `soci-${name}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
