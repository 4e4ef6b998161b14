import { execFileSync, fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestRegistryOptions } from '@soci/test-registry';
import { CACHE } from '../data.ts';
import { type Command, ours } from '../measure.ts';

/** The distribution project's registry (Debian: `docker-registry`), with its store in a folder that can be set back. */
export interface DockerRegistry extends ServedRegistry {
  /** Remembers what the store holds now. */
  keep(): void;
  /** Makes the store again what it was when {@link DockerRegistry.keep} was called. It caches nothing, and need not be told. */
  restore(): void;
}

const PATIENCE_MS = 10_000;

/** Starts it on loopback, with an empty store below `folder`. */
export async function startDockerRegistry(folder: string): Promise<DockerRegistry> {
  const store = join(folder, 'store');
  const kept = join(folder, 'kept');
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
  await answers(`http://${host}/v2/`);
  return {
    host,
    keep() {
      rmSync(kept, { recursive: true, force: true });
      execFileSync('cp', ['-al', store, kept]);
    },
    restore() {
      rmSync(store, { recursive: true, force: true });
      execFileSync('cp', ['-al', kept, store]);
    },
    stop() {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<void> {
  for (const started = Date.now(); Date.now() - started < PATIENCE_MS; await sleep(50)) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`docker-registry does not answer on ${url} after ${PATIENCE_MS / 1000} s`);
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

/** The test registry in a process of its own. */
export interface ServedRegistry {
  /** Such as `127.0.0.1:41234`. */
  readonly host: string;
  stop(): void;
}

/** Converts the image in it, and reads everything anew. */
export function convertAnew({ host }: ServedRegistry, ...options: readonly string[]): Command {
  return ours('convert', '--quiet', '--force', '--no-reuse', ...options, `${host}/app:v1`, `${host}/app:v1-soci`);
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
