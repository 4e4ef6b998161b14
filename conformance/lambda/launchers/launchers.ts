import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Command prefix that runs a program on a read-only file system. */
export const READ_ONLY: readonly string[] = ['unshare', '--mount', 'sh', join(import.meta.dirname, 'read-only.sh')];

/** Node flags that deny writing files from JavaScript. Native modules are not restricted. */
export const NO_WRITING: readonly string[] = ['--permission', '--allow-fs-read=*', '--allow-worker', '--allow-addons'];

/** Reports whether a launcher works. Most need root, and some containers deny even root. */
export function canLaunch(launcher: readonly string[]): boolean {
  const [program = '', ...args] = launcher;
  return spawnSync(program, [...args, 'true']).status === 0;
}

/** Command prefix that restricts a program to one core, which Lambda gives to a function with 1,769 MB. */
export const ONE_CORE: readonly string[] = ['taskset', '--cpu-list', '0'];
