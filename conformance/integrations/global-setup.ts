import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startLocalRegistry } from '../../scripts/release/local-registry.ts';
import { packPackage } from '../../scripts/release/pack.ts';
import { runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** An .npmrc with which npm finds the packed command line. */
    readonly npmrc: string;
  }
}

/** Packs the command line and publishes it to an npm registry on loopback, so that integrations install it as users do. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  REPORTS.integrations.clear();
  const folder = mkdtempSync(join(tmpdir(), 'soci-integrations-'));
  const registry = await startLocalRegistry(join(folder, 'npm'), '@soci');
  const npmrc = join(folder, 'npmrc');
  writeFileSync(npmrc, registry.npmrc);
  const tarball = packPackage('@soci/cli', folder);
  await runWell('npm', ['publish', '--userconfig', npmrc, '--provenance=false', tarball]);
  project.provide('npmrc', npmrc);
  return async () => {
    await registry.stop();
    rmSync(folder, { recursive: true });
  };
}
