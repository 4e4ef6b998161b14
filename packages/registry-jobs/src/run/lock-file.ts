import { open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { RegistryJobsError } from '../errors.ts';

/** A lock on a file, held by this process. */
export interface FileLock {
  /** What the user should know, such as that the lock of a dead process was taken over. */
  readonly notes: readonly string[];
  /** Removes the lock. */
  release(): Promise<void>;
}

/** Process that holds a lock. */
interface LockOwner {
  readonly pid: number;
  /** Name of the machine. */
  readonly host: string;
}

/** Locks of this process. A lock with its id that is not one of them is from a container that had the same id. */
const held = new Set<string>();

/**
 * Locks a file: creates `FILE.lock` with the id of this process. The lock of a process of this machine that no longer runs is
 * taken over.
 *
 * @throws RegistryJobsError `STATE_LOCKED` if another process holds the lock, or one of another machine.
 */
export async function lockFile(path: string): Promise<FileLock> {
  const lock = `${path}.lock`;
  const notes: string[] = [];
  if (!(await tryCreate(lock))) {
    const owner = await readOwner(lock);
    if (owner === undefined || isRunning(owner, lock)) throw lockedError(path, lock, owner);
    // Moved aside first, so that of two runs that find it only one takes it over.
    const aside = `${lock}.${process.pid}`;
    await rename(lock, aside).catch(() => {});
    const moved = await readOwner(aside);
    await rm(aside, { force: true });
    if (moved?.pid !== owner.pid || !(await tryCreate(lock))) throw lockedError(path, lock, moved);
    notes.push(`${lock} is of process ${owner.pid}, which no longer runs: taken over`);
  }
  held.add(lock);
  return {
    notes,
    async release() {
      await rm(lock, { force: true });
      held.delete(lock);
    },
  };
}

async function tryCreate(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx');
    await file.writeFile(`${JSON.stringify({ pid: process.pid, host: hostname() } satisfies LockOwner)}\n`);
    await file.close();
    return true;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'EEXIST') return false;
    throw error;
  }
}

async function readOwner(lock: string): Promise<LockOwner | undefined> {
  try {
    const owner = JSON.parse(await readFile(lock, 'utf8')) as LockOwner;
    return Number.isSafeInteger(owner.pid) && owner.pid > 0 && typeof owner.host === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isRunning({ pid, host }: LockOwner, lock: string): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return held.has(lock);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs as another user.
    return (error as { readonly code?: unknown }).code !== 'ESRCH';
  }
}

function lockedError(path: string, lock: string, owner: LockOwner | undefined): RegistryJobsError {
  const who = owner === undefined ? 'another process' : `process ${owner.pid} of ${owner.host}`;
  return new RegistryJobsError(
    'STATE_LOCKED',
    `${path} is in use by ${who}: wait for it, or use another state file. If no such process runs, delete ${lock}`,
  );
}
