import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { TestRuntimeError } from './errors.ts';
import { listMounts, unmountAll } from './mounts.ts';
import { runProgram, runSuccessfully } from './processes.ts';

/** Time limit for the end of killed processes, in milliseconds. */
const KILL_TIMEOUT = 10_000;

/** Folder of runc's state in the folder of a runtime. */
export const RUNC_FOLDER = 'runc';

/** Programs that are killed. Others, such as a pager that shows a log, are not ours. */
const PROGRAMS: ReadonlySet<string> = new Set([
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'docker-registry',
  'soci-snapshotter-grpc',
]);

/**
 * Deletes a folder: kills the containers and programs that use it, and unmounts everything in it, before. A program uses the
 * folder if an argument contains a path in it.
 *
 * @throws {@link TestRuntimeError} `CLEAN_UP_FAILED` if a program or a mount is left. Nothing is deleted then.
 */
export async function cleanUp(folder: string): Promise<void> {
  await deleteContainers(join(folder, RUNC_FOLDER));
  await killPrograms(folder);
  await unmountAll(folder);
  const mounts = listMounts(folder).map(({ path }) => path);
  // Deleting through a mount would delete the content of the mounted file system.
  if (mounts.length > 0) {
    const message = `cannot unmount ${mounts.join(', ')}. Run \`umount --lazy\` for each of them, as root`;
    throw new TestRuntimeError('CLEAN_UP_FAILED', message);
  }
  // The rm of Node cannot delete files whose names are not UTF-8.
  await runSuccessfully('rm', ['-rf', '--one-file-system', folder]);
}

/** runc stores the state of a container in NAMESPACE/ID. */
async function deleteContainers(root: string): Promise<void> {
  for (const namespace of listFolder(root)) {
    for (const id of listFolder(join(root, namespace))) {
      await runProgram('runc', ['--root', join(root, namespace), 'delete', '--force', id]);
    }
  }
}

async function killPrograms(folder: string): Promise<void> {
  const deadline = performance.now() + KILL_TIMEOUT;
  for (let pids = findPrograms(folder); pids.length > 0; pids = findPrograms(folder)) {
    if (performance.now() > deadline) {
      const message = `killed processes that use ${folder} do not end: ${pids.join(', ')}`;
      throw new TestRuntimeError('CLEAN_UP_FAILED', message);
    }
    for (const pid of pids) kill(pid);
    await wait(20);
  }
}

/** Returns the process ids of the programs that use the folder. */
function findPrograms(folder: string): number[] {
  return listFolder('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // A process that has ended, and one of the kernel, has no program.
        const program = basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
        return PROGRAMS.has(program) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
