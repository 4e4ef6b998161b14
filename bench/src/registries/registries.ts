import { execFileSync, fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestRegistryOptions } from '@soci/test-registry';
import { CACHE } from '../data.ts';
import { type Command, sociIndex } from '../measure.ts';

/** The registry of the distribution project (Debian: `docker-registry`), with a store that can be restored. */
export interface DockerRegistry extends ServedRegistry {
  /** Saves a copy of the store. */
  saveStore(): void;
  /** Restores the saved copy. The server caches nothing, so it needs no restart. */
  restoreStore(): void;
}

const START_TIMEOUT_MS = 10_000;

/** Starts `docker-registry` on loopback, with an empty store in `folder`. */
export async function startDockerRegistry(folder: string): Promise<DockerRegistry> {
  const store = join(folder, 'store');
  const saved = join(folder, 'saved');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(store, { recursive: true });
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(folder, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${store}}, delete: {enabled: true}}\nhttp: {addr: '${host}'}\n`,
  );
  const server = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  process.once('exit', () => server.kill());
  await waitUntilReady(`http://${host}/v2/`);
  return {
    host,
    saveStore() {
      rmSync(saved, { recursive: true, force: true });
      execFileSync('cp', ['-al', store, saved]);
    },
    restoreStore() {
      rmSync(store, { recursive: true, force: true });
      execFileSync('cp', ['-al', saved, store]);
    },
    stop() {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function waitUntilReady(url: string): Promise<void> {
  for (const started = Date.now(); Date.now() - started < START_TIMEOUT_MS; await sleep(50)) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
  }
  throw new Error(`docker-registry does not answer on ${url} within ${START_TIMEOUT_MS / 1000} s`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A registry in a separate process. */
export interface ServedRegistry {
  /** Host and port, such as `127.0.0.1:41234`. */
  readonly host: string;
  stop(): void;
}

/** Returns a command that converts the registry's image and reuses nothing from earlier runs. */
export function forceConvert({ host }: ServedRegistry, ...options: readonly string[]): Command {
  return sociIndex('convert', '--quiet', '--force', '--no-reuse', ...options, `${host}/app:v1`, `${host}/app:v1-soci`);
}

/** Starts the test registry with the image of a layout as `app:v1`. Its blobs are files. */
export function serveTestRegistry(layout: string, options: TestRegistryOptions): Promise<ServedRegistry> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'test-registry-'));
  const program = fileURLToPath(new URL('serve-test-registry.ts', import.meta.url));
  const server = fork(program, [folder, layout, JSON.stringify(options)]);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`the test registry exited with code ${code}`)));
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
