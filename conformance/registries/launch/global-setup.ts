import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findTool, hasTools, toolPath } from '../../tools/tools.ts';
import { REGISTRIES, type RegistryName } from '../registry-traits.ts';
import { type Certificate, makeCertificate, writeDockerConfig, writePasswordFile } from './credentials.ts';
import { type StartedRegistry, startDistribution } from './distribution.ts';
import { LOGS, logFile } from './logs.ts';
import { freePort, startServer } from './server-process.ts';

declare module 'vitest' {
  /** What the tests know about the running registries. */
  export interface ProvidedContext {
    /** Host and port by name. Registries with missing programs are absent. */
    hosts: Partial<Record<RegistryName, string>>;
    /** Path of Docker's configuration with a login for each registry. */
    dockerConfig: string;
    /** Path of the certificate to trust, as PEM. Absent without openssl. */
    certificate: string | undefined;
  }
}

/** Starts every registry whose program is available. Returns the function that stops them. */
export default async function setUp({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'soci-registries-'));
  rmSync(LOGS, { recursive: true, force: true });
  mkdirSync(LOGS, { recursive: true });
  const openssl = findTool('openssl');
  const certificate = openssl === undefined ? undefined : await makeCertificate(openssl, folder);
  const started = new Map<RegistryName, StartedRegistry>();
  const tearDown = async (): Promise<void> => {
    for (const registry of started.values()) await registry.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const { name, programs } of REGISTRIES) {
      if (hasTools(...programs)) started.set(name, await startRegistry(name, folder, certificate));
    }
  } catch (error) {
    await tearDown();
    throw error;
  }
  const hosts = Object.fromEntries([...started].map(([name, { host }]) => [name, host]));
  provide('hosts', hosts);
  provide('dockerConfig', writeDockerConfig(folder, Object.values(hosts)));
  provide('certificate', certificate?.certificate);
  return tearDown;
}

function startRegistry(
  name: RegistryName,
  scratch: string,
  certificate: Certificate | undefined,
): Promise<StartedRegistry> {
  const log = logFile(name);
  const folder = join(scratch, basename(log, '.log'));
  mkdirSync(folder);
  const common = { folder, log, passwordFile: writePasswordFile(folder) };
  switch (name) {
    case 'docker-registry 2':
      return startDistribution({ ...common, path: toolPath('docker-registry') });
    case 'distribution 3 with redirects':
      return startDistribution({ ...common, path: toolPath('registry'), redirectsBlobs: true });
    case 'distribution 3 with TLS':
      return startDistribution({ ...common, path: toolPath('registry'), certificate });
    case 'go-containerregistry with referrers':
      return startReferrersRegistry(toolPath('referrers-registry'), log);
  }
}

async function startReferrersRegistry(path: string, log: string): Promise<StartedRegistry> {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  return { host, ...(await startServer({ path, args: [host], port, log })) };
}
