import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestRegistryOptions } from '@soci/test-registry';
import { CACHE } from '../data.ts';

/** The test registry in a process of its own. */
export interface ServedRegistry {
  /** Such as `127.0.0.1:41234`. */
  readonly host: string;
  stop(): void;
}

/** Starts it with the image of a layout as `app:v1`, its blobs in files. */
export function serveTestRegistry(layout: string, options: TestRegistryOptions): Promise<ServedRegistry> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'test-registry-'));
  const program = fileURLToPath(new URL('serve-test-registry.ts', import.meta.url));
  const server = fork(program, [folder, layout, JSON.stringify(options)]);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`the test registry ended with exit code ${code}`)));
    server.once('message', (host) =>
      resolve({
        host: String(host),
        stop() {
          server.removeAllListeners('exit').disconnect();
          rmSync(folder, { recursive: true, force: true });
        },
      }),
    );
  });
}
