// Ways to get a tool: from the cache, built with Go, installed with pip, or found on PATH.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep, StepError } from '../../scripts/run-step.mjs';
import { ROOT } from '../../scripts/setup.mjs';

/**
 * Returns the folder of a tool in the cache. If it does not exist, fills it under a temporary name.
 *
 * @param {string} name Folder in the cache, with the version in its name.
 * @param {(folder: string) => Promise<void>} fill Installs the tool in the folder, or throws a StepError.
 * @returns {Promise<string | undefined>} Undefined if the tool is not available. The reason was printed.
 */
export async function cached(name, fill) {
  const folder = join(ROOT, '.cache', name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  if (!(await succeeds(() => fill(unfinished)))) return undefined;
  renameSync(unfinished, folder);
  return folder;
}

/**
 * Runs a step whose failure does not stop the run. The step prints the failure.
 *
 * @returns {Promise<boolean>} Whether it succeeded.
 */
export function tryStep(label, command, args, env) {
  return succeeds(() => runStep(label, command, args, env));
}

/** Reports whether a program is on PATH and exits with 0. */
export function answers(program, args) {
  return spawnSync(program, args).status === 0;
}

/** Reports whether Go is on PATH. */
export function hasGo() {
  return answers('go', ['version']);
}

/** Reports whether Python 3.9 or newer is on PATH. */
export function hasPython() {
  return answers('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']);
}

/**
 * Returns the path of a program and builds it into the cache if necessary. The check `workflows` uses the same actionlint.
 *
 * @param {{ name: string, module?: string, version?: string, sources?: string }} program A version of a module, or sources
 * in this repository.
 * @returns {Promise<string | undefined>} Undefined if the build fails.
 */
export async function buildWithGo({ name, module, version, sources }) {
  const folder = join(ROOT, '.cache', version === undefined ? name : `${name}-${version}`);
  const path = join(folder, name);
  const isKept = isExecutable(path);
  if (isKept && (version !== undefined || !hasGo())) return path;
  if (!hasGo()) return undefined;
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, CGO_ENABLED: '0', GOBIN: folder, GOFLAGS: '-trimpath -buildvcs=false' };
  const args =
    sources === undefined ? ['install', `${module}@${version}`] : ['build', '-C', join(ROOT, sources), '-o', path, '.'];
  const isBuilt = await tryStep(['building', name, version].filter(Boolean).join(' '), 'go', args, env);
  return isBuilt && isExecutable(path) ? path : undefined;
}

/** Creates a Python environment with pip, which Debian's Python lacks. Returns the path of its Python. */
export async function makePythonEnvironment(folder) {
  await runStep('making a Python environment', 'python3', ['-m', 'venv', folder]);
  return join(folder, 'bin', 'python');
}

/** Runs the pip of a Python environment. */
export function runPip(label, python, ...args) {
  return runStep(label, python, ['-m', 'pip', '--disable-pip-version-check', '--quiet', ...args]);
}

/** Returns the path of a program on PATH, or undefined. */
export function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * Installs missing programs if this is root on Debian. A failure shows when they are looked up.
 *
 * @param {readonly string[]} programs
 * @param {Readonly<Record<string, string>>} [packages] Packages by program, if they have other names.
 */
export async function installDebianPackages(programs, packages = {}) {
  const missing = programs.filter((name) => findOnPath(name) === undefined).map((name) => packages[name] ?? name);
  if (missing.length === 0 || process.getuid?.() !== 0 || findOnPath('apt-get') === undefined) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const retries = ['-o', 'Acquire::Retries=3'];
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...retries, ...missing];
  await tryStep('reading lists of Debian packages', 'apt-get', ['update', '-qq', ...retries], env);
  await tryStep(`installing ${missing.join(', ')}`, 'apt-get', install, env);
}

/** Reports whether a file exists and is executable. */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function succeeds(action) {
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return false;
  }
}
