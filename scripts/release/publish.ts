import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LEVELS } from '../workspace/levels.ts';
import { capture, type RunOptions, run, step } from './steps.ts';

/** A tarball of `dist-packages`, and what its package.json says. */
export interface ReleasedPackage {
  readonly name: string;
  readonly version: string;
  /** Absolute path of the tarball. */
  readonly tarball: string;
}

/** What the registry has under the name and version of a package. */
export type RegistryState = 'absent' | 'same' | 'different';

/** Returns packages in the order in which they are uploaded: a package after those that it depends on. */
export function inUploadOrder<T extends { readonly name: string }>(packages: readonly T[]): T[] {
  const order = Object.keys(LEVELS);
  return packages.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

/**
 * Compares a package with what npm's configured registry has under its name and version.
 *
 * @throws Error if the registry gives no answer.
 */
export async function compareWithRegistry(unit: ReleasedPackage, where: RunOptions): Promise<RegistryState> {
  const args = ['view', `${unit.name}@${unit.version}`, 'dist.integrity', '--json'];
  const { code, stdout, stderr } = await capture('npm', args, where);
  // npm prints nothing if the package exists without this version.
  if (/\bE404\b/.test(stdout + stderr) || (code === 0 && stdout.trim() === '')) return 'absent';
  if (code !== 0)
    throw new Error(`cannot read ${unit.name}@${unit.version} from the npm registry:\n${stdout}${stderr}`);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(unit.tarball)).digest('base64')}`;
  return JSON.parse(stdout) === integrity ? 'same' : 'different';
}

/** Returns the registry that npm publishes a scope to. */
export async function registryOf(scope: string, where: RunOptions): Promise<URL> {
  const ask = async (key: string) => (await run('npm', ['config', 'get', key], where)).trim();
  const scoped = await ask(`${scope}:registry`);
  return new URL(scoped.startsWith('http') ? scoped : await ask('registry'));
}

/** Uploads tarballs, one after the other, and prints a line for each. */
export async function upload(packages: readonly ReleasedPackage[], registry: URL, where: RunOptions): Promise<void> {
  // npm signs provenance for a public registry only, not for one on this machine.
  const provenance = isLoopback(registry) ? '--provenance=false' : '--provenance';
  for (const { name, version, tarball } of packages) {
    await step(`publishing ${name}@${version}`, () =>
      run('npm', ['publish', tarball, '--access', 'public', provenance], where),
    );
  }
}

/** Reports whether an address is on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname);
}
