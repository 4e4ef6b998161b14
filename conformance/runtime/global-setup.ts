import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findRuntime, type RuntimePrograms } from '@soci/test-runtime';
import type { TestProject } from 'vitest/node';
import { runWell } from '../registries/run-program.ts';
import { REPORTS } from '../run-report.ts';
import { buildReferenceProgram } from '../src/reference.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Programs of the tests. Undefined if this machine cannot run them. */
    readonly programs: TestPrograms | undefined;
  }
}

/** Paths of the programs. */
export interface TestPrograms {
  readonly runtime: RuntimePrograms;
  /** The reference implementation. */
  readonly reference: string;
  /** See list-tree/main.go. */
  readonly listTree: string;
}

const CACHE = join(import.meta.dirname, '..', '..', '.cache', 'runtime');

/** Deletes earlier measurements, and builds the programs. */
export default async function setUp(project: TestProject): Promise<void> {
  REPORTS.runtime.clear();
  const programs = await findPrograms();
  if (typeof programs === 'string') REPORTS.runtime.skipped(`all tests of the runtime: ${programs}`);
  project.provide('programs', typeof programs === 'string' ? undefined : programs);
}

/** Returns the programs, or why this machine cannot run them. */
async function findPrograms(): Promise<TestPrograms | string> {
  const started = performance.now();
  const runtime = await findRuntime((what) => console.error(`building ${what} ...`));
  if (runtime.outcome === 'unavailable') return runtime.reason;
  const reference = buildReferenceProgram();
  if ('missing' in reference) return `${reference.missing} is missing`;
  mkdirSync(CACHE, { recursive: true });
  const listTree = join(CACHE, 'list-tree');
  await runWell('go', ['build', '-C', join(import.meta.dirname, 'list-tree'), '-buildvcs=false', '-o', listTree, '.'], {
    // Static, because it also runs in images without a C library.
    env: { ...(process.env as Record<string, string>), CGO_ENABLED: '0' },
  });
  REPORTS.runtime.measured('building the programs', { seconds: (performance.now() - started) / 1000 });
  return { runtime: runtime.programs, reference: reference.executable, listTree };
}
