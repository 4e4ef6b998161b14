import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Words before a program that take from it all places where a file could be written. */
export const READ_ONLY: readonly string[] = ['unshare', '--mount', 'sh', join(import.meta.dirname, 'read-only.sh')];

/** Flags of Node by which its own code refuses to write files. Modules in native code are not bound by it. */
export const NO_WRITING: readonly string[] = ['--permission', '--allow-fs-read=*', '--allow-worker', '--allow-addons'];

/** Whether a launcher works here: most need root, and some kinds of container do not let even root. */
export function canLaunch(launcher: readonly string[]): boolean {
  const [program = '', ...args] = launcher;
  return spawnSync(program, [...args, 'true']).status === 0;
}

/** Words before a program that keep it to one core, which Lambda gives to a function of 1,769 MB. */
export const ONE_CORE: readonly string[] = ['taskset', '--cpu-list', '0'];
