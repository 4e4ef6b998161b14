import type { GarbageMode } from '../environment/jobs-settings.ts';
import { FunctionError } from '../errors.ts';
import type { GeneratorDescription } from '../generator/describe-settings.ts';

/** A run of the state machine: the input of every step. */
export interface Run {
  /** Name of the execution. */
  readonly name: string;
  /** ARN of the execution. */
  readonly execution: string;
  /** Start of the execution, in RFC 3339 format in UTC. */
  readonly time: string;
  /** Prefix of all keys of the run, without a slash at the end. */
  readonly prefix: string;
  /** Prefixes for the results that Step Functions writes: of the listed repositories and of the indexed images. */
  readonly lists: string;
  readonly results: string;
  /** Prefix for what the collecting step found and deleted. */
  readonly collected: string;
  /** Whether the run only reports what it would index and delete. */
  readonly dryRun: boolean;
  /** What the run does with garbage. Not `delete` for a dry run. */
  readonly garbage: GarbageMode;
  /** Whether the run may index more images than the limit for runs without confirmation. */
  readonly confirm: boolean;
  /** Filters that replace those of the settings. */
  readonly filters?: string;
  /** Whether the manifests of indexes are read, which name the image that they were made of. */
  readonly readsProvenance: boolean;
  /** Digest of the settings of the generator. Absent if the settings of indexes are not compared. */
  readonly settingsDigest?: string;
}

/** A JSON array in the bucket. */
export interface StoredItems {
  readonly key: string;
  readonly count: number;
}

/** Input of an execution. All fields are optional. */
export interface RunInput {
  /** Whether to report only what the run would index and delete. @default false */
  readonly dryRun?: boolean;
  /** Whether to index more images than the limit for runs without confirmation. @default false */
  readonly confirm?: boolean;
  /** `repository:tag` filters, comma-separated, instead of those of the deployment. */
  readonly filters?: string;
}

const KNOWN: readonly string[] = ['dryRun', 'confirm', 'filters'];

/** @see AWS Step Functions API Reference, "StartExecution", name */
const EXECUTION_NAME = /^[\w.+!@()=-]{1,80}$/;

/** What the state machine passes to its first step. */
export interface RunRequest {
  /** ARN of the execution. */
  readonly execution: string;
  /** Start of the execution. */
  readonly started: string;
  /** Input of the execution. */
  readonly input: unknown;
  /** ARNs of the active executions of the state machine, newest first. */
  readonly active: readonly string[];
  /** Answer of the generator to the request for its settings. Not a description if the generator is of an earlier version. */
  readonly generator: unknown;
}

/**
 * Parses the request of the first step.
 *
 * @param garbage - What runs of the deployment do with garbage.
 * @throws FunctionError `INPUT_INVALID`; `RUN_ACTIVE` if an older run is active.
 */
export function parseRun(request: Partial<RunRequest>, garbage: GarbageMode): Run {
  const { execution, started, input, active = [], generator } = request;
  const name = String(execution).split(':').pop() ?? '';
  const time = new Date(String(started));
  if (!EXECUTION_NAME.test(name) || Number.isNaN(time.valueOf())) {
    throw new FunctionError(
      'INPUT_INVALID',
      'the request has no execution: start the state machine instead of the function',
    );
  }
  // The list is eventually consistent: it may lack this run, and then contains only older ones.
  const oldest = active.at(-1);
  if (oldest !== undefined && oldest !== execution) {
    throw new FunctionError('RUN_ACTIVE', `another run is active: ${oldest}. Wait for its end, or stop it`);
  }
  const { dryRun = false, confirm = false, filters } = parseInput(input);
  const { hasProvenance = false, settingsDigest } = settingsIn(generator);
  const prefix = `runs/${name}`;
  return {
    name,
    execution: String(execution),
    time: time.toISOString(),
    prefix,
    lists: `${prefix}/lists`,
    results: `${prefix}/results`,
    collected: `${prefix}/collected`,
    dryRun,
    garbage: dryRun && garbage === 'delete' ? 'report' : garbage,
    confirm,
    ...(filters !== undefined && { filters }),
    readsProvenance: hasProvenance,
    ...(settingsDigest !== undefined && { settingsDigest }),
  };
}

/** Returns the settings in the answer of a generator. Empty if it does not describe itself. */
export function settingsIn(generator: unknown): Partial<GeneratorDescription['settings']> {
  const { settings } = (generator ?? {}) as Partial<GeneratorDescription>;
  return settings ?? {};
}

/** Returns the prefix of the undo logs of a run. They expire later than the other objects of a run. */
export function undoPrefix({ name }: Run): string {
  return `undo/${name}/`;
}

function parseInput(input: unknown): RunInput {
  const fail = (problem: string): never => {
    throw new FunctionError('INPUT_INVALID', `the input of the execution is invalid: ${problem}`);
  };
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return fail('it is not a JSON object: use {}');
  for (const [name, value] of Object.entries(input)) {
    const expected = name === 'filters' ? 'string' : 'boolean';
    if (!KNOWN.includes(name)) fail(`unknown field ${JSON.stringify(name)}: use ${KNOWN.join(', ')}`);
    if (typeof value !== expected) fail(`${name} is ${JSON.stringify(value)}: expected a ${expected}`);
  }
  return input;
}
