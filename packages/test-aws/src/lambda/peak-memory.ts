import { readFileSync } from 'node:fs';

/** Most bytes of physical memory that a process has held; undefined where the kernel does not say. */
export function readPeakMemory(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return peak === undefined ? undefined : Number(peak) * 1024;
  } catch {
    return undefined; // No such process any more, or no such file system.
  }
}
