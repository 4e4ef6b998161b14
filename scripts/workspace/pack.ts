import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pnpm, QUIET_ENV } from '../setup.mjs';
import { publishedPackages, ROOT, type WorkspacePackage } from './packages.ts';

/** A published package and the tarball that a registry would get of it. */
export interface PackedPackage {
  readonly unit: WorkspacePackage;
  /** The tarball, absolutely. */
  readonly tarball: string;
}

/**
 * Builds and packs every published package into a temporary folder, which is removed when the process ends.
 *
 * @throws Error with the tool's output when a build or a pack fails
 */
export function packPackages(): PackedPackage[] {
  runPnpm(ROOT, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only');
  const folder = mkdtempSync(join(tmpdir(), 'soci-pack-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return publishedPackages().map((unit) => {
    const before = new Set(readdirSync(folder));
    runPnpm(join(ROOT, unit.folder), 'pack', '--pack-destination', folder);
    const [made] = readdirSync(folder).filter((name) => !before.has(name));
    if (made === undefined) throw new Error(`packing ${unit.name} made no tarball`);
    return { unit, tarball: join(folder, made) };
  });
}

function runPnpm(cwd: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('npx', pnpm(...args), { cwd, env: QUIET_ENV, encoding: 'utf8' });
  if (status !== 0) throw new Error(`pnpm ${args.join(' ')} in ${cwd} ended with ${status}:\n${stdout}${stderr}`);
}
