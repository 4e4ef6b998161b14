import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
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

/** A memory cgroup. The kernel kills a program in it that exceeds the limit. */
interface MemoryCgroup {
  /** Command prefix that runs a program in the cgroup. */
  readonly launcher: readonly string[];
  /**
   * Peak memory charged to the cgroup, in bytes: memory of its processes, and the page cache of files that they read.
   */
  peak(): number;
  /** Removes the cgroup. It must have no processes. */
  remove(): void;
}

const SCRIPT = join(import.meta.dirname, 'cgroup.sh');

/** File names by cgroup version. A 0 in the last file prevents swapping. */
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

/** Creates a memory cgroup. Returns undefined if it cannot: that needs root and a writable cgroup hierarchy. */
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
      cgroup.remove(); // Its parent does not delegate the memory controller.
    }
  }
  return undefined;
}
