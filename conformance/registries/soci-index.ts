import { fileURLToPath } from 'node:url';
import type { Descriptor } from '@soci/oci';
import { inject } from 'vitest';
import { oracleEnvironment } from './real-registry.ts';
import { type ProgramRun, type ProgramWorld, runProgram } from './run-program.ts';

const PROGRAM = fileURLToPath(new URL('../../packages/cli/bin/soci-index.js', import.meta.url));

/** Runs the built command line with credentials from Docker's configuration file and with the test certificate. */
export function sociIndex(command: string, ...args: readonly string[]): Promise<ProgramRun> {
  const { DOCKER_CONFIG = '' } = oracleEnvironment();
  return sociIndexIn({ env: { DOCKER_CONFIG } }, command, ...args);
}

/** Runs the command line with the given environment only. */
export function sociIndexIn(world: ProgramWorld, command: string, ...args: readonly string[]): Promise<ProgramRun> {
  const certificate = inject('certificate');
  const trust = certificate === undefined ? [] : ['--ca-file', certificate];
  return runProgram(process.execPath, [PROGRAM, command, ...trust, ...args], world);
}

/** Part of the output of `convert --json` and `create --json`. */
export interface IndexOutcome {
  readonly outcome: string;
  readonly root?: Descriptor;
  readonly indexes: readonly Descriptor[];
  readonly layers: readonly { readonly layer: string; readonly status: string }[];
}

/** Indexes every layer, because golden layers are small. */
const OPTIONS = ['--json', '--min-layer-size', '0'];

/** Converts an image. Returns the JSON output. */
export async function convert(source: string, destination: string, ...options: string[]): Promise<IndexOutcome> {
  return outcomeOf(await sociIndex('convert', ...OPTIONS, ...options, source, destination));
}

/** Creates indexes of version 1 for an image or for a copy of it. */
export async function create(source: string, destination?: string): Promise<IndexOutcome> {
  return outcomeOf(await sociIndex('create', ...OPTIONS, source, ...(destination === undefined ? [] : [destination])));
}

function outcomeOf({ code, stdout, stderr }: ProgramRun): IndexOutcome {
  if (code !== 0) throw new Error(`soci-index exited with ${code}:\n${stderr}${stdout}`);
  return JSON.parse(stdout.toString()) as IndexOutcome;
}
