import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { goldenLayoutPath, sha256 } from '@soci/test-content';
import { startTestRegistry, type TestRegistry } from '@soci/test-registry';
import { inject } from 'vitest';
import { runWell } from '../registries/run-program.ts';

/** The command line as the npm package has it. */
export const NPM_PROGRAM: string = fileURLToPath(new URL('../../packages/cli/bin/soci-index.js', import.meta.url));

/** Returns the version of the npm package. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../packages/cli/package.json', import.meta.url), 'utf8'));
  return (manifest as { readonly version: string }).version;
}

/** Layout with two platforms and three layers. */
export const SOURCE: string = goldenLayoutPath('multi');

/** Runs `convert` with these words, and options for two threads. */
export const CONVERT: readonly string[] = ['convert', '--min-layer-size', '0', '--jobs', '2'];

/** Time limit of a build of the executable and the image, in milliseconds. It takes 15 s on an idle machine. */
export const BUILD_TIMEOUT = 600_000;

/** Returns the path of a built file by the end of its name, such as `linux-x64`. */
export function builtFile(ending: string): string {
  const folder = inject('built') ?? '';
  const name = readdirSync(folder).find((file) => file.endsWith(ending));
  return join(folder, name ?? `missing ${ending}`);
}

/** Returns the digest of each file of a folder, by path. */
export function digestsIn(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [relative(folder, path), sha256(readFileSync(path))]));
}

/** Converts {@link SOURCE} with the npm package. Returns the digest of each file of the result. */
export async function convertWithNpmPackage(destination: string): Promise<Record<string, string>> {
  await runWell(process.execPath, [NPM_PROGRAM, ...CONVERT, `oci:${SOURCE}`, `oci:${destination}:v1`]);
  return digestsIn(destination);
}

/** Starts a registry with TLS and its own certificate authority, which has the image `team/app:v1`. */
export async function startTlsRegistry(): Promise<TestRegistry> {
  const registry = await startTestRegistry({ tls: true });
  await registry.loadLayout('team/app', SOURCE, 'v1');
  return registry;
}

/**
 * Returns the least time that each command takes, in milliseconds. Runs them in turns, so that load of the machine affects all
 * of them.
 */
export async function compareTimes(
  rounds: number,
  ...commands: readonly (() => Promise<unknown>)[]
): Promise<number[]> {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, command] of commands.entries()) {
      const started = performance.now();
      await command();
      times[i].push(performance.now() - started);
    }
  }
  return times.map((each) => Math.min(...each));
}
