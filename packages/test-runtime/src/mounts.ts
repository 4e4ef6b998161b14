import { readFileSync } from 'node:fs';
import { runProgram } from './processes.ts';

/** An entry of the mount table. */
export interface Mount {
  /** Mount point. */
  readonly path: string;
  /** Type of the file system, such as `fuse.rawBridge` or `overlay`. */
  readonly type: string;
  /** Source, such as `soci`. */
  readonly source: string;
}

/** Returns the mounts in a folder, in the order in which they were mounted. */
export function listMounts(folder: string): Mount[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ path }) =>
    path.startsWith(`${folder}/`),
  );
}

/** Parses `/proc/PID/mountinfo` (proc_pid_mountinfo(5)). */
export function parseMountInfo(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ', 2);
      const [type = '', source = ''] = after.split(' ');
      return { path: unescapeOctal(before.split(' ')[4] ?? ''), type, source: unescapeOctal(source) };
    });
}

/** The kernel escapes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Unmounts everything in a folder, the last mount first. A mount that is in use disappears when its last user ends. */
export async function unmountAll(folder: string): Promise<void> {
  for (const { path } of listMounts(folder).reverse()) await runProgram('umount', ['--lazy', path]);
}
