import { posix } from 'node:path';
import type { ImageFilesystem } from '../filesystem/image-filesystem.ts';
import type { StartProfile } from '../profile/start-profile.ts';
import { ImageFiles } from './image-files.ts';
import { PredictionBudget, type PredictionLimit, type PredictionLimits } from './limits.ts';
import { type Origin, type PredictedFile, Prediction } from './prediction.ts';
import { ProgramFinder } from './programs.ts';
import type { StartConfig } from './start-config.ts';

/** Options of {@link predictProfile}. */
export interface PredictOptions {
  /** Limits. @default those of {@link PredictionLimits} */
  readonly limits?: PredictionLimits;
  /** Aborts the prediction. */
  readonly signal?: AbortSignal;
}

/** A predicted profile, with the reason for each file. */
export interface PredictedProfile extends StartProfile {
  /** Sorted by path. Empty if the program of the start was not found. */
  readonly files: readonly PredictedFile[];
  readonly origin: 'predicted';
  /** Limits that the prediction reached. If there are any, files are missing. */
  readonly reachedLimits: readonly PredictionLimit[];
}

/** Files that containerd and runc read in every container, to look up users and groups. */
const RUNTIME_FILES = ['/etc/passwd', '/etc/group'];
/** Maximum number of words of a start command, and of environment variables. */
const MAX_WORDS = 1000;

/**
 * Predicts what a container of an image reads until it runs its own code: the program that the configuration names, through
 * `PATH`, links, scripts and programs that only start others; the loader and the libraries of programs; and for Python,
 * Node.js, Ruby and Java what the interpreter reads, and the modules that the program imports. Nothing is run.
 *
 * The result depends only on the image. Content of the image that is damaged, hostile or unknown is left out and never makes
 * the prediction fail; work is bounded by {@link PredictionLimits}.
 *
 * @param config - `config` of the image configuration. Read it with `readStartConfig`.
 * @throws Errors of the store that are not about the content of the image; the abort reason of `signal`.
 */
export async function predictProfile(
  files: ImageFilesystem,
  config: StartConfig,
  options: PredictOptions = {},
): Promise<PredictedProfile> {
  const budget = new PredictionBudget(options.limits ?? {}, options.signal);
  const directory = posix.resolve('/', config.WorkingDir ?? '');
  const prediction = new Prediction(
    new ImageFiles(files, budget),
    { variables: variablesOf(config), directory },
    budget,
  );
  const start: Origin = { reason: 'program', depth: 0 };
  for (const path of RUNTIME_FILES) await prediction.addPath(path, { ...start, reason: 'runtime' });
  const [command, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].slice(0, MAX_WORDS);
  if (command !== undefined && command !== '') {
    await new ProgramFinder(prediction).run({ command, args, origin: start });
    await prediction.run();
  }
  const predicted = [...prediction.predicted].sort((a, b) => (a.path < b.path ? -1 : 1));
  // Without a program, the files of the runtime say nothing about the start.
  const isEmpty = predicted.every(({ reason }) => reason === 'runtime');
  return { files: isEmpty ? [] : predicted, origin: 'predicted', reachedLimits: [...budget.reached].sort() };
}

function variablesOf({ Env }: StartConfig): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const variable of (Env ?? []).slice(0, MAX_WORDS)) {
    const at = variable.indexOf('=');
    if (at > 0) variables.set(variable.slice(0, at), variable.slice(at + 1));
  }
  return variables;
}
