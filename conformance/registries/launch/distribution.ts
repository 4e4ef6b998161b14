import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './credentials.ts';
import { freePort, type ServerProcess, startServer } from './server-process.ts';
import { startStorageServer } from './storage-server.ts';

/** How a registry of the distribution project is started: docker-registry is its version 2. */
interface DistributionOptions {
  /** Its program. */
  readonly path: string;
  /** A folder of its own, for its configuration and its blobs. */
  readonly folder: string;
  /** The file to which what it prints is added. */
  readonly log: string;
  /** Who may use it. @default everybody */
  readonly passwordFile?: string;
  /** Speaks TLS with this. @default plain http */
  readonly certificate?: Certificate | undefined;
  /** Answers a GET of a blob by 307 to a server of files. @default false */
  readonly redirectsBlobs?: boolean;
  /** Where it listens. @default a free port */
  readonly port?: number;
}

/** A registry that answers on 127.0.0.1. */
export interface StartedRegistry extends ServerProcess {
  /** Host and port. */
  readonly host: string;
}

/** Starts one, with what its folder holds, and waits until it answers. */
export async function startDistribution(options: DistributionOptions): Promise<StartedRegistry> {
  const { path, folder, log, passwordFile, certificate } = options;
  const blobs = join(folder, 'blobs');
  mkdirSync(blobs, { recursive: true });
  const storage = options.redirectsBlobs === true ? await startStorageServer(blobs) : undefined;
  const port = options.port ?? (await freePort());
  const host = `127.0.0.1:${port}`;
  const configuration = join(folder, 'config.yml');
  // JSON is YAML.
  writeFileSync(
    configuration,
    JSON.stringify({
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: blobs }, delete: { enabled: true } },
      // The secret signs the names of uploads, which one that is started again is to know.
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
  // Version 3 would report each request to a collector that is not there.
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
