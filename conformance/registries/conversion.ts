import type { Descriptor } from '@soci/oci';
import type { ProgramRun } from './run-program.ts';
import { sociIndex } from './soci-index.ts';

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
