import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuardedFolder } from './guarded-folder.ts';
import { findFreePort, startDaemon } from './processes.ts';
import type { RuntimePrograms } from './programs.ts';

/** Options of {@link startRegistry}. */
export interface RegistryOptions {
  readonly programs: RuntimePrograms;
  /** Folder for its content. */
  readonly folder: GuardedFolder;
  /** Port on 127.0.0.1. @default a free port */
  readonly port?: number;
}

/**
 * Starts a registry that speaks plain HTTP on 127.0.0.1 (docker-registry of Debian). `folder.remove()` stops it.
 *
 * @returns Host and port.
 * @throws `TestRuntimeError`
 */
export async function startRegistry({ programs, folder, port }: RegistryOptions): Promise<string> {
  const root = join(folder.path, 'registry');
  mkdirSync(root);
  const listening = port ?? (await findFreePort());
  const host = `127.0.0.1:${listening}`;
  const configuration = join(root, 'config.yml');
  // JSON is valid YAML.
  writeFileSync(
    configuration,
    JSON.stringify({
      version: 0.1,
      log: { level: 'warn', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(root, 'content') }, delete: { enabled: true } },
      http: { addr: host },
    }),
  );
  await startDaemon({
    path: programs.registry,
    args: ['serve', configuration],
    env: process.env,
    log: join(root, 'registry.log'),
    address: { host: '127.0.0.1', port: listening },
  });
  return host;
}
