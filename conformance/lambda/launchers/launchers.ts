import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
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

/** A memory cgroup: what is launched in it is killed when it wants more. */
interface MemoryCgroup {
  /** Words before a program that put it in there. */
  readonly launcher: readonly string[];
  /** Most bytes that were charged to it: what its processes held, and files that were read into the page cache for them. */
  peak(): number;
  /** Removes it. No process may be left. */
  remove(): void;
}

const SCRIPT = join(import.meta.dirname, 'cgroup.sh');

/** Names of the files, by the version of cgroups; a 0 in the last one keeps it from swapping. */
const VERSIONS = [
  {
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    swap: 'memory.swappiness',
  },
  { root: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', swap: 'memory.swap.max' },
];

let made = 0;

/** Makes a memory cgroup; undefined where there is none to be had: that takes root, and cgroups that may be written. */
export function makeMemoryCgroup(limit: number): MemoryCgroup | undefined {
  for (const { root, ...files } of VERSIONS) {
    made += 1;
    const folder = join(root, `soci-test-${process.pid}-${made}`);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    const cgroup: MemoryCgroup = {
      launcher: ['sh', SCRIPT, folder],
      peak: () => Number(readFileSync(join(folder, files.peak), 'utf8')),
      remove: () => rmdirSync(folder),
    };
    try {
      statSync(join(folder, files.peak));
      writeFileSync(join(folder, files.limit), String(limit));
      if (existsSync(join(folder, files.swap))) writeFileSync(join(folder, files.swap), '0');
      return cgroup;
    } catch {
      cgroup.remove(); // Its parent hands no memory controller on.
    }
  }
  return undefined;
}
