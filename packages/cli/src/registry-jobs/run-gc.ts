import type { RegistryCatalog } from '@soci/oci';
import {
  createUndoFile,
  DEFAULT_GARBAGE_AGE,
  type DeletionResult,
  deleteGarbage,
  findGarbage,
  type GarbagePlan,
  type GarbagePolicy,
  type ImagesInUse,
  readUndoFile,
} from '@soci/registry-jobs';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import { parseDuration } from '../command/duration.ts';
import { excluding, flag, listOption, omitUndefined, parseText, valueOption } from '../command/option.ts';
import { CliError, usageError } from '../errors.ts';
import { describeError, wrapFileError } from '../terminal/describe-error.ts';
import { pluralize } from '../terminal/quantity.ts';
import { REGISTRY_OPTIONS, toRegistryAccess } from '../transports/registry-options.ts';
import { RegistryStores } from '../transports/registry-stores.ts';
import { parseOutputTagOption } from './bulk-options.ts';
import { readImagesInUse } from './images-in-use.ts';
import { type FailedGc, printDeletions, printGarbage, warnAboutCopies } from './print-gc.ts';
import { findRepositories, openCatalog, parseRegistryGlobs, type RegistryGlobs } from './registry-globs.ts';
import { runRestore } from './run-restore.ts';

/** Options of `gc`. */
export const GC_OPTIONS = {
  'older-than': valueOption('AGE', parseDuration, 'keep what was pushed within AGE (default 30d)'),
  'in-use': listOption('LIST', (list) => [list], 'keep images of FILE or ecs:CLUSTER, or none'),
  'include-unmarked': flag('include what other SOCI tools left behind'),
  'keep-copies': flag('keep images that can be copies'),
  'output-tag': valueOption('TAG', parseOutputTagOption, 'name the tags of indexes (default {tag}-soci)'),
  delete: flag('delete the garbage; needs --in-use'),
  continue: valueOption('FILE', parseText, 'finish a deletion that failed, of an undo FILE'),
  undo: valueOption('FILE', parseText, 'write deleted manifests to FILE'),
  restore: excluding(
    valueOption('FILE', parseText, 'push the manifests of an undo FILE again'),
    'delete',
    'in-use',
    'continue',
    'undo',
    'older-than',
    'include-unmarked',
    'keep-copies',
    'output-tag',
  ),
  ...REGISTRY_OPTIONS,
} as const;

/** Arguments of `gc`. */
export type GcArguments = CommandArguments<typeof GC_OPTIONS>;

/** Runs `gc`. */
export async function runGc(args: GcArguments, context: CommandContext): Promise<ExitCode> {
  const { operands, options } = args;
  if (options.restore !== undefined) return runRestore(options.restore, args, context);
  if (operands.length === 0) throw usageError('missing HOST/GLOB', 'Example: soci-index gc registry.example/team/app');
  const isInUseKnown = options['in-use'].length > 0;
  if (options.delete && !isInUseKnown) {
    throw usageError(
      '--delete needs --in-use: a SOCI-enabled image without its source image can still be deployed',
      'Give a FILE with the images in use, or ecs:CLUSTER. If no image is in use, write --in-use none.',
    );
  }
  if (options.undo !== undefined && !options.delete) throw usageError('--undo needs --delete');
  const globs = parseRegistryGlobs(operands);
  const inUse = isInUseKnown ? await readImagesInUse(options['in-use'], globs.host, context) : undefined;
  const ownParts = options.continue === undefined ? undefined : await readOwnParts(options.continue, globs.host);
  const age = options['older-than'];
  const policy: GarbagePolicy = {
    includeUnmarked: options['include-unmarked'],
    keepCopies: options['keep-copies'],
    olderThan: age === undefined ? DEFAULT_GARBAGE_AGE : age * 1000,
    now: Date.now(),
    ...omitUndefined({ inUse, ownParts, outputTags: options['output-tag'] && [options['output-tag']] }),
  };
  const stores = new RegistryStores(await toRegistryAccess(options, [], context));
  try {
    const catalog = openCatalog(globs.host, stores, context.env);
    const { plans, failed } = await planAll(catalog, globs, policy, context);
    const found = { host: globs.host, plans, failed, isInUseKnown };
    warnAboutCopies(plans, context.output);
    if (!options.delete || inUse === undefined) {
      await printGarbage(found, context.output);
      return EXIT.SUCCESS;
    }
    const undo = options.undo ?? `soci-gc-undo-${new Date().toISOString().replaceAll(/[:.]/g, '')}.jsonl`;
    return await deleteAll(catalog, found, { ...policy, inUse }, undo, context);
  } finally {
    stores.close();
  }
}

/** Returns the digests of an undo file. Parts among them belong to images that have been deleted. */
async function readOwnParts(path: string, host: string): Promise<ReadonlySet<string>> {
  const { header, manifests } = await readUndoFile(path).catch((error) => {
    throw 'code' in error && error.code === 'UNDO_INVALID' ? error : wrapFileError(path, error);
  });
  if (header.host !== host) throw usageError(`${path} has the manifests of ${header.host}, not of ${host}`);
  return new Set(manifests.map(({ digest }) => digest));
}

/** What was found in a registry. */
export interface FoundGarbage {
  readonly host: string;
  readonly plans: readonly GarbagePlan[];
  readonly failed: readonly FailedGc[];
  readonly isInUseKnown: boolean;
}

/** Plans the repositories one after the other. One that cannot be read is reported, and the next one follows. */
async function planAll(
  catalog: RegistryCatalog,
  globs: RegistryGlobs,
  policy: GarbagePolicy,
  context: CommandContext,
): Promise<Pick<FoundGarbage, 'plans' | 'failed'>> {
  const { output, signal } = context;
  const repositories = await findRepositories(catalog, globs, context);
  const plans: GarbagePlan[] = [];
  const failed: FailedGc[] = [];
  const progress = output.openProgress();
  try {
    for (const [index, repository] of repositories.entries()) {
      progress.update({ done: index, total: repositories.length, detail: repository });
      try {
        plans.push(await findGarbage(catalog, repository, policy, { signal }));
      } catch (error) {
        signal.throwIfAborted();
        failed.push({ repository, error });
        const { message } = describeError(error);
        // A single one is the error of the command.
        if (repositories.length > 1)
          output.warn(`${globs.host}/${repository} is skipped: ${message}`, { isIncomplete: true });
      }
    }
  } finally {
    progress.close();
  }
  const [first] = failed;
  if (first === undefined || failed.length < repositories.length) return { plans, failed };
  const { code, message, remedy } = describeError(first.error);
  throw new CliError(code, `no repository of ${globs.host} can be read: ${message}`, { cause: first.error, remedy });
}

async function deleteAll(
  catalog: RegistryCatalog,
  found: FoundGarbage,
  policy: GarbagePolicy & { readonly inUse: ImagesInUse },
  path: string,
  { output, signal }: CommandContext,
): Promise<ExitCode> {
  const results: DeletionResult[] = [];
  const total = found.plans.reduce((sum, { items }) => sum + items.length, 0);
  if (total === 0) {
    await printDeletions(found, results, undefined, output);
    return EXIT.SUCCESS;
  }
  const undo = await createUndoFile(path, { host: found.host, createdAt: new Date().toISOString() });
  const progress = output.openProgress();
  try {
    for await (const result of deleteGarbage(catalog, found.plans, policy, { undo, signal })) {
      results.push(result);
      progress.update({ done: results.length, total, detail: result.repository });
    }
  } finally {
    progress.close();
    await undo.discard();
    if (results.length > 0) await printDeletions(found, results, path, output);
  }
  const broken = results.filter(({ outcome }) => outcome === 'failed');
  if (broken.length === 0) return EXIT.SUCCESS;
  throw new CliError(
    'DELETION_FAILED',
    `${pluralize(broken.length, 'manifest')} could not be deleted: ${broken[0]?.message}`,
    {
      remedy:
        `To finish the deletion, run the command again with --continue ${path}. ` +
        `To undo what was deleted, run: soci-index gc --restore ${path}`,
      cause: broken[0]?.error,
    },
  );
}
