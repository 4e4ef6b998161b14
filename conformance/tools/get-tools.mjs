// How tools are got: kept in a cache, built by Go, installed by pip, found on PATH.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep, StepError } from '../../scripts/run-step.mjs';
import { ROOT } from '../../scripts/setup.mjs';

/**
 * The folder of a tool in the cache, filled if it is not there: under another name until it is complete.
 *
 * @param {string} name folder in the cache; it includes the version
 * @param {(folder: string) => Promise<void>} fill puts the tool into the folder, or throws a StepError
 * @returns {Promise<string | undefined>} undefined if the tool is not available; the reason was shown
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
 * Runs a step whose failure, which it has shown, does not end the run.
 *
 * @returns {Promise<boolean>} whether it succeeded
 */
export function tryStep(label, command, args, env) {
  return succeeds(() => runStep(label, command, args, env));
}

/** Whether a program is on PATH and ends with exit code 0. */
export function answers(program, args) {
  return spawnSync(program, args).status === 0;
}

/** Whether Go is on PATH. */
export function hasGo() {
  return answers('go', ['version']);
}

/** Whether Python 3.9 or newer is on PATH. */
export function hasPython() {
  return answers('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']);
}

/** Makes a Python environment with its own pip, which Debian's Python lacks. Returns the path of its Python. */
export async function makePythonEnvironment(folder) {
  await runStep('making a Python environment', 'python3', ['-m', 'venv', folder]);
  return join(folder, 'bin', 'python');
}

/** Runs pip of a Python environment. */
export function runPip(label, python, ...args) {
  return runStep(label, python, ['-m', 'pip', '--disable-pip-version-check', '--quiet', ...args]);
}

/** The path of a program on PATH, or undefined. */
export function findOnPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Whether a file exists and may be executed. */
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
