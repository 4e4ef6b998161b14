import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './credentials.ts';
import { freePort, type ServerProcess, startServer } from './server-process.ts';
import { startStorageServer } from './storage-server.ts';

/** How a registry of the distribution project is started. docker-registry is its version 2. */
interface DistributionOptions {
  /** Path of its program. */
  readonly path: string;
  /** Folder for its configuration and its blobs. */
  readonly folder: string;
  /** Log file for its output. */
  readonly log: string;
  /** Password file. @default anonymous access */
  readonly passwordFile?: string;
  /** Certificate for TLS. @default plain HTTP */
  readonly certificate?: Certificate | undefined;
  /** Redirects GET requests for blobs to a file server. @default false */
  readonly redirectsBlobs?: boolean;
  /** Port. @default a free port */
  readonly port?: number;
}

/** A registry that listens on 127.0.0.1. */
export interface StartedRegistry extends ServerProcess {
  /** Host and port. */
  readonly host: string;
}

/** Starts a registry and waits until it answers. Blobs in its folder are kept. */
export async function startDistribution(options: DistributionOptions): Promise<StartedRegistry> {
  const { path, folder, log, passwordFile, certificate } = options;
  const blobs = join(folder, 'blobs');
  mkdirSync(blobs, { recursive: true });
  const storage = options.redirectsBlobs === true ? await startStorageServer(blobs) : undefined;
  const port = options.port ?? (await freePort());
  const host = `127.0.0.1:${port}`;
  const configuration = join(folder, 'config.yml');
  // JSON is valid YAML.
  writeFileSync(
    configuration,
    JSON.stringify({
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: blobs }, delete: { enabled: true } },
      // The secret signs the names of uploads. A restarted registry needs the same one.
      http: {
        addr: host,
        secret: 'the same after a restart',
        ...(certificate === undefined ? {} : { tls: certificate }),
      },
      ...(passwordFile === undefined
        ? {}
        : { auth: { htpasswd: { realm: 'registries under test', path: passwordFile } } }),
      ...(storage === undefined
        ? {}
        : { middleware: { storage: [{ name: 'redirect', options: { baseurl: storage.url } }] } }),
    }),
  );
  // Version 3 sends traces to a collector by default.
  const env = { OTEL_TRACES_EXPORTER: 'none' };
  const server = await startServer({ path, args: ['serve', configuration], env, port, log });
  return {
    host,
    kill: () => server.kill(),
    async stop() {
      await server.stop();
      await storage?.stop();
    },
  };
}
