// Runs before anything is installed: plain JavaScript for Node >= 20.19, node: modules only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprint, readStamp, workspaceFolders, writeStamp } from './fingerprint.mjs';
import { runStep, StepError } from './run-step.mjs';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What every child gets: nothing that these scripts start calls home. */
export const QUIET_ENV = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
  npm_config_loglevel: 'error',
};

const OLDEST_NODE = '20.19.0';
/** The first Node that runs the .ts scripts as they are, where the one from npm is not to be had. */
const OLDEST_TOOL_NODE = '22.18.0';
const INSTALLED_NODE = join(ROOT, 'node_modules', '.bin', 'node');
const STAMPS = join(ROOT, 'node_modules', '.cache', 'setup');

/** The arguments of npx that run the pinned pnpm. */
export function pnpm(...args) {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return ['-y', packageManager, ...args];
}

/**
 * Installs the dependencies and, unless `isBuilt` is false, builds the packages, each only when something that it hangs on has changed.
 *
 * @throws {StepError} naming what is missing and the remedy
 */
export async function setUp({ isBuilt = true } = {}) {
  if (isOlder(process.versions.node, OLDEST_NODE)) {
    throw new StepError(`Node ${process.versions.node} is too old: install Node ${OLDEST_NODE} or newer.`);
  }
  await install();
  if (isBuilt) await build();
}

/**
 * The Node that runs the project's own scripts, tests and programs: the pinned one that the installation brought, else this one.
 *
 * @throws {StepError} if that is too old
 */
export function toolNode() {
  if (existsSync(INSTALLED_NODE)) return INSTALLED_NODE;
  if (!isOlder(process.versions.node, OLDEST_TOOL_NODE)) return process.execPath;
  throw new StepError(
    `No Node of its own comes with the project for ${process.platform}-${process.arch}, and this one, ` +
      `${process.versions.node}, is too old for its tools: install Node ${OLDEST_TOOL_NODE} or newer.`,
  );
}

async function install() {
  const manifests = workspaceFolders(ROOT).map((folder) => join(folder, 'package.json'));
  const inputs = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', ...manifests];
  const stamp = fingerprint(ROOT, inputs, [process.platform, process.arch]);
  const stampFile = join(STAMPS, 'install');
  if (readStamp(stampFile) === stamp && existsSync(join(ROOT, 'node_modules', '.modules.yaml'))) return;
  await runStep('installing dependencies', 'npx', pnpm('install', '--frozen-lockfile'), QUIET_ENV);
  const { status } = spawnSync(toolNode(), ['--version']);
  if (status !== 0) throw new StepError(`${INSTALLED_NODE} does not start: it needs a Linux with glibc >= 2.28.`);
  writeStamp(stampFile, stamp);
}

async function build() {
  const built = workspaceFolders(ROOT).filter((folder) => existsSync(join(ROOT, folder, 'tsconfig.build.json')));
  const inputs = built.flatMap((folder) =>
    ['src', 'bundle', 'package.json', 'tsconfig.build.json'].map((name) => join(folder, name)),
  );
  const shared = ['tsconfig.base.json', 'tsconfig.build.json', 'turbo.json', 'pnpm-lock.yaml'];
  const stamp = fingerprint(ROOT, [...shared, ...inputs]);
  const stampFile = join(STAMPS, 'build');
  if (readStamp(stampFile) === stamp && built.every((folder) => existsSync(join(ROOT, folder, 'dist')))) return;
  const turbo = pnpm('exec', 'turbo', 'run', 'build', '--output-logs=errors-only');
  await runStep('building packages', 'npx', turbo, QUIET_ENV);
  writeStamp(stampFile, stamp);
}

function isOlder(version, floor) {
  const [have, need] = [version, floor].map((text) => text.split('.').map(Number));
  const at = need.findIndex((part, i) => part !== have[i]);
  return at !== -1 && have[at] < need[at];
}
