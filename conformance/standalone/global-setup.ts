import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';
import { findTool } from '../tools/tools.ts';
import { BUILD_TIMEOUT } from './programs.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder with the executable and the image of this checkout. Undefined if this machine cannot build them. */
    readonly built: string | undefined;
  }
}

/** Deletes earlier measurements, and builds the executable and the image. */
export default async function setUp(project: TestProject): Promise<() => void> {
  REPORTS.standalone.clear();
  const folder = mkdtempSync(join(tmpdir(), 'soci-standalone-'));
  const builder = findTool('builder');
  if (builder !== undefined) await runWell(process.execPath, [builder, folder], { timeout: BUILD_TIMEOUT });
  project.provide('built', builder && folder);
  return () => rmSync(folder, { recursive: true });
}
