import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestRuntimeError } from './errors.ts';

const GUARD = fileURLToPath(new URL(`./guard.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url));

/** A temporary folder for programs and mounts. */
export interface GuardedFolder {
  readonly path: string;
  /**
   * Kills the programs that use the folder, unmounts everything in it, and deletes it.
   *
   * @throws `TestRuntimeError` `CLEAN_UP_FAILED`
   */
  remove(): Promise<void>;
}

/**
 * Creates a temporary folder that is removed when this process ends, also if a signal ends it. A shell in its own session waits
 * for the end of a pipe from this process, and starts the clean-up then.
 */
export function createGuardedFolder(): GuardedFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'soci-runtime-')));
  const script = 'cat >/dev/null; exec "$@"';
  const args = ['-c', script, 'guard', process.execPath, '--disable-warning=ExperimentalWarning', GUARD, path];
  const guard = spawn('sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  guard.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    guard.on('error', reject);
    guard.on('close', resolve);
  });
  ended.catch(() => {});
  // Node types them as streams, but they are sockets.
  const handles = [guard, guard.stdin as Socket, guard.stderr as Socket];
  for (const handle of handles) handle.unref();
  return {
    path,
    async remove() {
      for (const handle of handles) handle.ref();
      guard.stdin.end();
      if ((await ended) === 0) return;
      throw new TestRuntimeError(
        'CLEAN_UP_FAILED',
        `cannot remove ${path}: ${Buffer.concat(errors).toString().trim()}`,
      );
    },
  };
}
