import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runStep, StepError } from '../run-step.mjs';
import { ROOT } from '../setup.mjs';

/** What was got, each in a folder that says its version. */
const CACHE = join(ROOT, '.cache', 'lambda');

/**
 * The folder of a part, filled if it is not there: under another name until it is whole.
 *
 * @param {string} name with the version
 * @param {(folder: string) => Promise<void>} fill puts the part into the folder, or throws a StepError
 * @returns {Promise<string | undefined>} undefined where it is not to be had; why was shown
 */
export async function cached(name, fill) {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  if (!(await succeeds(() => fill(unfinished)))) return undefined;
  renameSync(unfinished, folder);
  return folder;
}

/**
 * A step whose failure, which it has shown, is no end.
 *
 * @returns {Promise<boolean>} whether it succeeded
 */
export function tryStep(label, command, args, env) {
  return succeeds(() => runStep(label, command, args, env));
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
