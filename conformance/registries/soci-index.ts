import { fileURLToPath } from 'node:url';
import type { Descriptor } from '@soci/oci';
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

/** What `convert --json` and `create --json` print, as far as the tests look at it. */
export interface IndexOutcome {
  readonly outcome: string;
  readonly root?: Descriptor;
  readonly indexes: readonly Descriptor[];
  readonly layers: readonly { readonly layer: string; readonly status: string }[];
}

/** Every layer gets a zTOC: golden layers are small. */
const OPTIONS = ['--json', '--min-layer-size', '0'];

/** Converts an image, and gives what the program says of it. */
export async function convert(source: string, destination: string, ...options: string[]): Promise<IndexOutcome> {
  return outcomeOf(await sociIndex('convert', ...OPTIONS, ...options, source, destination));
}

/** Makes indexes of version 1 for an image: beside it, or beside its copy. */
export async function create(source: string, destination?: string): Promise<IndexOutcome> {
  return outcomeOf(await sociIndex('create', ...OPTIONS, source, ...(destination === undefined ? [] : [destination])));
}

function outcomeOf({ code, stdout, stderr }: ProgramRun): IndexOutcome {
  if (code !== 0) throw new Error(`soci-index ended with ${code}:\n${stderr}${stdout}`);
  return JSON.parse(stdout.toString()) as IndexOutcome;
}
