import { availableParallelism } from 'node:os';
import { parseEcrHost } from '@soci/ecr';
import type { IndexImageOptions } from '@soci/index';
import { digestOf } from '@soci/oci';
import {
  type CurrentImage,
  estimateRun,
  type FinishedImage,
  needsIndex,
  openStateFile,
  type PlannedImage,
  type RunEstimate,
  runPlan,
  type StaleImage,
  type StateFile,
} from '@soci/registry-jobs';
import { type CommandArguments, type CommandContext, EXIT, type ExitCode } from '../command/command.ts';
import type { OptionValues } from '../command/option.ts';
import { CliError } from '../errors.ts';
import { PROGRAM } from '../io.ts';
import { programVersion } from '../program-version.ts';
import type { Output } from '../terminal/output.ts';
import { formatCount, pluralize } from '../terminal/quantity.ts';
import { toRegistryAccess } from '../transports/registry-options.ts';
import { RegistryStores } from '../transports/registry-stores.ts';
import { type BACKFILL_OPTIONS, DEFAULT_ECR_RATE, DEFAULT_IMAGE_JOBS } from './backfill-options.ts';
import { type BulkSettings, toBulkSettings } from './bulk-options.ts';
import { imageIndexer } from './index-planned.ts';
import { planRepositories } from './plan-repositories.ts';
import {
  type BackfillPlan,
  countPlans,
  formatUsd,
  printPlan,
  printRun,
  type RepositoryCounts,
} from './print-backfill.ts';
import { findRepositories, openCatalog, parseRegistryGlobs, type RegistryGlobs } from './registry-globs.ts';
import { formatDuration, showRunProgress } from './run-progress.ts';

/** One day, in seconds. */
const LONG_RUN = 86_400;

/** Maximum number of layers of all images that are built at a time. */
const MAX_LAYER_JOBS = 8;

/** Maximum number of failed images in a report. The state file has all of them. */
const MAX_FAILURES = 20;

type Item = PlannedImage | StaleImage | CurrentImage;
type Options = OptionValues<typeof BACKFILL_OPTIONS>;

/** Runs `backfill`. */
export async function runBackfill(
  { operands, options }: CommandArguments<typeof BACKFILL_OPTIONS>,
  context: CommandContext,
): Promise<ExitCode> {
  const globs = parseRegistryGlobs(operands);
  const settings = await toBulkSettings(options, context.signal);
  const stores = new RegistryStores(await toRegistryAccess(options, [], context), rateFor(globs.host, options));
  let state: StateFile | undefined;
  try {
    // First, so that a second run stops before it sends requests.
    if (!options['dry-run']) state = await openState(globs.host, settings, options);
    for (const note of state?.notes ?? []) await context.output.note(note);
    return await backfill({ globs, settings, options, stores, state }, context);
  } finally {
    stores.close();
    await state?.close();
  }
}

interface Backfill {
  readonly globs: RegistryGlobs;
  readonly settings: BulkSettings;
  readonly options: Options;
  readonly stores: RegistryStores;
  /** Undefined for a dry run. */
  readonly state: StateFile | undefined;
}

async function backfill(run: Backfill, context: CommandContext): Promise<ExitCode> {
  const { globs, settings, options, stores, state } = run;
  const { output } = context;
  const { host } = globs;
  const catalog = openCatalog(host, stores, context.env);
  const repositories = await findRepositories(catalog, globs, context);
  const items: Item[] = [];
  const counts: RepositoryCounts[] = [];
  let finished = 0;
  const request = { catalog, host, repositories, settings, stores };
  const failed = await planRepositories(request, context, (report) => {
    counts.push(countPlans(report));
    for (const image of report.images) {
      if (!needsIndex(image) && !(options.force && image.action === 'current')) continue;
      if (state?.isFinished(image)) finished++;
      else items.push(image);
    }
  });
  if (finished > 0) await output.note(`${state?.path}: earlier runs finished ${pluralize(finished, 'image')}`);
  const selected = items.slice(0, options.limit ?? items.length);
  const estimate = estimateItems(selected, host, options);
  const plan = { host, repositories: counts, failed, items: selected, estimate };
  if (selected.length === 0 || options['dry-run']) await printPlan(plan, output);
  if (selected.length === 0) return EXIT.NOTHING_TO_INDEX;
  warnAboutEstimate(estimate, options, output);
  return options['dry-run'] ? EXIT.SUCCESS : index(run, plan, context);
}

async function index(
  { settings, options, stores, state }: Backfill,
  plan: BackfillPlan,
  context: CommandContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const { host, items } = plan;
  const { jobs = DEFAULT_IMAGE_JOBS, force, verify } = options;
  const build: IndexImageOptions = {
    ...settings.index,
    // The images share the cores.
    jobs: Math.max(1, Math.floor(Math.min(MAX_LAYER_JOBS, availableParallelism()) / jobs)),
    force,
    reuse: !options['no-reuse'],
    ...(verify && { proof: 'read-back' }),
  };
  const progress = output.openProgress();
  const show = showRunProgress(progress, () => stores.throttled);
  const failures: FinishedImage[] = [];
  let done = 0;
  const result = await runPlan(items, {
    jobs,
    signal,
    ...(state !== undefined && { state }),
    index: imageIndexer({ host, stores, outputTag: settings.outputTag, index: build }),
    onProgress: (event) => {
      show(event);
      done = event.done;
      if (event.finished?.outcome === 'failed' && failures.length < MAX_FAILURES) failures.push(event.finished);
    },
  })
    .catch(async (error) => {
      const count = `${formatCount(done)} of ${pluralize(items.length, 'image')}`;
      await output.note(`Stopped after ${count}. Run the same command again to continue.`);
      throw error;
    })
    .finally(() => progress.close());
  await printRun({ plan, result, failures, state: state?.path, throttled: stores.throttled }, output);
  return result.counts.failed === items.length ? EXIT.FAILED : EXIT.SUCCESS;
}

function openState(host: string, { identity }: BulkSettings, { state, force, verify }: Options): Promise<StateFile> {
  const path = state ?? `backfill-${host.replaceAll(/[^\w.-]/g, '_')}.jsonl`;
  const policy = digestOf(Buffer.from(JSON.stringify([identity, force, verify])));
  return openStateFile(path, { host, policy, program: `${PROGRAM} ${programVersion()}` });
}

/** Returns the number of manifests per second that may be pushed, if it is limited. */
function rateFor(host: string, { rate }: Options): number | undefined {
  return rate ?? (parseEcrHost(host) === undefined ? undefined : DEFAULT_ECR_RATE);
}

function estimateItems(items: readonly Item[], host: string, options: Options): RunEstimate {
  const bytes = items.reduce((sum, { size = 0 }) => sum + size, 0);
  const unknownSizes = items.filter(({ size }) => size === undefined).length;
  const putsPerSecond = rateFor(host, options);
  return estimateRun(
    { images: items.length, bytes, unknownSizes },
    {
      jobs: options.jobs ?? DEFAULT_IMAGE_JOBS,
      ...(putsPerSecond !== undefined && { putsPerSecond }),
      billed: parseEcrHost(host) === undefined ? 'nothing' : 'ecr',
    },
  );
}

/**
 * Warns before the run starts. A dry run only warns about the cost, too.
 *
 * @throws CliError `COST_EXCEEDED` if the run may cost more than `--max-cost`.
 */
function warnAboutEstimate({ seconds, maxUsd }: RunEstimate, options: Options, output: Output): void {
  const { 'max-cost': maxCost, 'dry-run': isDryRun } = options;
  if (seconds > LONG_RUN) {
    output.warn(
      `this run takes about ${formatDuration(seconds)}: use --limit, or raise --jobs and --rate if the registry allows it`,
    );
  }
  if (maxCost === undefined || maxUsd <= maxCost) return;
  const problem = `the run may cost ${formatUsd(maxUsd)}, which is more than ${formatUsd(maxCost)}`;
  if (isDryRun) {
    output.warn(`${problem}: without --dry-run, it does not start`);
    return;
  }
  throw new CliError('COST_EXCEEDED', problem, {
    remedy:
      'See the formula with --dry-run. Select fewer images with --filter, --newer-than or --limit, or raise --max-cost.',
  });
}
