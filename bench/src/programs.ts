import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from './measure.ts';

const REFERENCE_SOURCES = fileURLToPath(new URL('../../conformance/reference', import.meta.url));
const REFERENCE = `${REFERENCE_SOURCES}/.build/reference`;
const CLI = fileURLToPath(new URL('../../packages/cli/bin/soci-index.js', import.meta.url));
const BUILT_CLI = fileURLToPath(new URL('../../packages/cli/dist/bundle/main.js', import.meta.url));

/** Builds the reference program of the conformance package; undefined where Go or a C compiler is missing. */
export function buildReference(): string | undefined {
  const build = spawnSync('go', ['build', '-o', REFERENCE, '.'], {
    cwd: REFERENCE_SOURCES,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return build.status === 0 ? REFERENCE : undefined;
}

/** Our command line, as it is published: bundled, run by the Node that runs this. */
export function ours(...programArguments: readonly string[]): Command {
  if (!existsSync(BUILT_CLI)) throw new Error('the packages are not built: run `pnpm build` first');
  return { program: process.execPath, arguments: [CLI, ...programArguments] };
}

/** One of the scripts of this folder. */
export function script(name: string, ...programArguments: readonly string[]): Command {
  return { program: process.execPath, arguments: [fileURLToPath(new URL(name, import.meta.url)), ...programArguments] };
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['-h'], { stdio: 'ignore' }).error === undefined;
}
