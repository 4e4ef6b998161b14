import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Ends of the names of drafts: process id, start time of the process, host, random. */
const DRAFT_NAME = /\.tmp-([1-9]\d{0,9})-([0-9a-z]{1,13})-([0-9a-f]{8})-[0-9a-f]{12}$/;

/** Maximum length of the part of a draft's name that comes from its target, in bytes. File systems allow 255 in total. */
const MAX_PREFIX_LENGTH = 180;

/** Start time of processes on systems that do not report it. */
const UNKNOWN_START = '0';

/**
 * Returns an unused path next to `path`, for a draft that is renamed to `path` when it is complete. Its name identifies
 * this process, so that {@link removeAbandonedDrafts} can tell whether the draft is in use.
 */
export function draftPath(path: string): string {
  const prefix = Buffer.from(basename(path)).subarray(0, MAX_PREFIX_LENGTH).toString();
  const { pid } = process;
  const owner = `${pid}-${startTime(pid) ?? UNKNOWN_START}-${hostId()}`;
  return join(dirname(path), `${prefix}.tmp-${owner}-${randomBytes(6).toString('hex')}`);
}

/**
 * Removes the drafts in a folder whose process no longer exists, because it was killed. Keeps drafts of other hosts and
 * containers, and of a system before its restart: it cannot know whether their process exists.
 */
export async function removeAbandonedDrafts(folder: string): Promise<void> {
  // Cleaning up is optional: what prevents it does not prevent writing.
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, pid, start = '', host] = DRAFT_NAME.exec(name) ?? [];
    if (pid === undefined || host !== hostId() || isRunning(Number(pid), start)) continue;
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** Reports whether a process of this host exists and started at the given time. */
function isRunning(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Other errors, such as EPERM, mean that the process exists.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const actual = startTime(pid);
  return actual === undefined || start === UNKNOWN_START || actual === start;
}

/**
 * Returns when a process started, in clock ticks since the system started (base 36), or `ended` if it has ended but its
 * parent has not noticed. Undefined if the system does not report it.
 *
 * @see proc_pid_stat(5)
 */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in parentheses, can contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : Number(fields[19]).toString(36);
  } catch {
    return undefined;
  }
}

let cachedHostId: string | undefined;

/** Identifies the host, its current start, and the container: within them, a process id names one process at a time. */
function hostId(): string {
  cachedHostId ??= createHash('sha256')
    .update([hostname(), bootId(), processNamespace()].join('\n'))
    .digest('hex')
    .slice(0, 8);
  return cachedHostId;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
