import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { oracleEnvironment } from './real-registry.ts';
import { type ProgramRun, type ProgramWorld, runProgram } from './run-program.ts';

const PROGRAM = fileURLToPath(new URL('../../packages/cli/bin/soci-index.js', import.meta.url));

/** Runs the built program as somebody would from a shell, logged in by docker's configuration and trusting the certificate. */
export function sociIndex(command: string, ...args: readonly string[]): Promise<ProgramRun> {
  const { DOCKER_CONFIG = '' } = oracleEnvironment();
  return sociIndexIn({ env: { DOCKER_CONFIG } }, command, ...args);
}

/** Runs it in a world of one's own. */
export function sociIndexIn(world: ProgramWorld, command: string, ...args: readonly string[]): Promise<ProgramRun> {
  const certificate = inject('certificate');
  const trust = certificate === undefined ? [] : ['--ca-file', certificate];
  return runProgram(process.execPath, [PROGRAM, command, ...trust, ...args], world);
}
