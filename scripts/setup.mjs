// Runs before the installation: plain JavaScript for Node >= 20.19 that imports only node: modules.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprint, readStamp, workspaceFolders, writeStamp } from './fingerprint.mjs';
import { runStep, StepError } from './run-step.mjs';

/** The root folder of the repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The environment of every child process: turns off telemetry and update notices. */
export const QUIET_ENV = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
  npm_config_loglevel: 'error',
};

const OLDEST_NODE = '20.19.0';
/** The first Node that runs TypeScript without a flag. Platforms without a pinned Node need it. */
const OLDEST_TOOL_NODE = '22.18.0';
const INSTALLED_NODE = join(ROOT, 'node_modules', '.bin', 'node');
const STAMPS = join(ROOT, 'node_modules', '.cache', 'setup');

/** Returns the arguments that make `npx` run the pinned pnpm. */
export function pnpm(...args) {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return ['-y', packageManager, ...args];
}

/**
 * Installs the dependencies and builds the packages, each only if its inputs have changed.
 *
 * @param {object} [options]
 * @param {string} [options.only] Sets up only this package and the workspace packages that it depends on, unless the whole
 *   workspace has been set up before.
 * @param {boolean} [options.buildPackages] Whether to build the packages. Defaults to true.
 * @throws {StepError} If a step fails. The message says what to do.
 */
export async function setUp({ only, buildPackages = true } = {}) {
  if (isOlder(process.versions.node, OLDEST_NODE)) {
    throw new StepError(`Node ${process.versions.node} is too old: install Node ${OLDEST_NODE} or newer.`);
  }
  const target = readStamp(stampFile('install')) === null ? only : undefined;
  await install(target);
  if (buildPackages) await build(target);
}

/**
 * Returns the path of the Node that runs the scripts, tests and programs of the project: the pinned Node if it is installed,
 * otherwise the current one.
 *
 * @throws {StepError} If the pinned Node is not installed and the current one is too old.
 */
export function toolNode() {
  if (existsSync(INSTALLED_NODE)) return INSTALLED_NODE;
  if (!isOlder(process.versions.node, OLDEST_TOOL_NODE)) return process.execPath;
  throw new StepError(
    `The project installs no Node for ${process.platform}-${process.arch}, and Node ${process.versions.node} is too old ` +
      `for its tools: install Node ${OLDEST_TOOL_NODE} or newer.`,
  );
}

async function install(target) {
  const manifests = workspaceFolders(ROOT).map((folder) => join(folder, 'package.json'));
  const inputs = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', ...manifests];
  const stamp = fingerprint(ROOT, inputs, [process.platform, process.arch]);
  const file = stampFile('install', target);
  if (readStamp(file) === stamp && existsSync(join(ROOT, 'node_modules', '.modules.yaml'))) return;
  // A full installation also checks the lockfile against the registry, which downloads 90 MB of metadata.
  const scope = target === undefined ? [] : ['--filter', `${target}...`, '--trust-lockfile'];
  await runStep('installing dependencies', 'npx', pnpm('install', '--frozen-lockfile', ...scope), QUIET_ENV);
  const { status } = spawnSync(toolNode(), ['--version']);
  if (status !== 0) throw new StepError(`${INSTALLED_NODE} does not start: it needs Linux with glibc 2.28 or newer.`);
  writeStamp(file, stamp);
}

async function build(target) {
  const buildable = workspaceFolders(ROOT).filter((folder) => existsSync(join(ROOT, folder, 'tsconfig.build.json')));
  const inputs = buildable.flatMap((folder) =>
    ['src', 'bundle', 'package.json', 'tsconfig.build.json'].map((name) => join(folder, name)),
  );
  const shared = ['tsconfig.base.json', 'tsconfig.build.json', 'turbo.json', 'pnpm-lock.yaml', 'scripts/compile.mjs'];
  const stamp = fingerprint(ROOT, [...shared, ...inputs]);
  const file = stampFile('build', target);
  const isBuilt = target !== undefined || buildable.every((folder) => existsSync(join(ROOT, folder, 'dist')));
  if (readStamp(file) === stamp && isBuilt) return;
  const scope = target === undefined ? [] : [`--filter=${target}...`];
  const turbo = pnpm('exec', 'turbo', 'run', 'build', '--output-logs=errors-only', ...scope);
  await runStep('building packages', 'npx', turbo, QUIET_ENV);
  writeStamp(file, stamp);
}

/** Returns the path of the file with the fingerprint of the last successful step, for the workspace or for one package. */
function stampFile(step, target) {
  return join(STAMPS, target === undefined ? step : `${step}-${target.replaceAll('/', '-')}`);
}

function isOlder(version, floor) {
  const [have, need] = [version, floor].map((text) => text.split('.').map(Number));
  const at = need.findIndex((part, i) => part !== have[i]);
  return at !== -1 && have[at] < need[at];
}
