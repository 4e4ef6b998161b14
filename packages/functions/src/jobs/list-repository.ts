import { createHash } from 'node:crypto';
import { OciError, type RegistryCatalog } from '@soci/oci';
import { RegistryError } from '@soci/registry';
import { type ImagePlan, type IndexPolicy, needsIndex, planRegistry, RegistryJobsError } from '@soci/registry-jobs';
import type { JobsSettings } from '../environment/jobs-settings.ts';
import { FunctionError, messageOf } from '../errors.ts';
import type { Log } from '../invocation.ts';
import { filtersOf } from './plan-run.ts';
import type { Run } from './run.ts';
import type { RunStore } from './store.ts';

/** An image to index. */
export interface IndexItem {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** An image that is larger than the generator may get. */
export interface LargeImage extends IndexItem {
  /** Compressed size in bytes. */
  readonly size: number;
}

/** What a run found in a repository, as stored. */
export interface RepositoryPlan {
  readonly repository: string;
  /** Number of tags by action of the plan. */
  readonly counts: PlanCounts;
  /** Images to index, newest first. */
  readonly items: readonly IndexItem[];
  readonly tooLarge: readonly LargeImage[];
  /** Why the repository could not be listed. */
  readonly problem?: { readonly reason: ListProblem; readonly message: string };
}

/** Reason why a repository was not listed: access was denied, it no longer exists, or it exceeds a limit. */
export type ListProblem = 'access-denied' | 'gone' | 'limit-exceeded';

/** Number of tags by action of the plan. `index` images have no index, `stale` ones an outdated one. */
export type PlanCounts = Readonly<Record<ImagePlan['action'], number>>;

/** No tags. */
export const NO_TAGS: PlanCounts = { index: 0, stale: 0, current: 0, skipped: 0 };

/** Dependencies of {@link listRepository}. */
export interface ListContext {
  readonly settings: JobsSettings;
  readonly catalog: RegistryCatalog;
  readonly store: Pick<RunStore, 'put'>;
  readonly log: Log;
}

/** Milliseconds of a day. */
const DAY = 86_400_000;

/**
 * Second step of a run, once for each repository: compares its images with their indexes, and writes which ones must be indexed.
 *
 * @returns The counts, which are small enough for the history of an execution.
 * @throws FunctionError `TRY_AGAIN` for errors that a retry may fix.
 */
export async function listRepository(
  { run, repository }: { readonly run: Run; readonly repository: string },
  { settings, catalog, store, log }: ListContext,
): Promise<Pick<RepositoryPlan, 'repository' | 'counts' | 'problem'>> {
  const policy = policyOf(settings, run);
  for await (const report of planRegistry(catalog, [repository], { policy })) {
    const plan =
      report.outcome === 'planned' ? planOf(repository, report.images) : { ...failedPlan(repository, report.error) };
    await store.put(planKey(run, repository), plan);
    const { counts, problem } = plan;
    log[problem ? 'warn' : 'info'](`${repository}: ${problem?.message ?? `${plan.items.length} images to index`}`, {
      run: run.name,
      repository,
      ...counts,
      ...(problem && { reason: problem.reason }),
    });
    return { repository, counts, ...(problem && { problem }) };
  }
  throw new Error('planRegistry returned no report');
}

/** Prefix of the plans of the repositories. */
export function planPrefix({ prefix }: Run): string {
  return `${prefix}/plans/`;
}

function planKey(run: Run, repository: string): string {
  return `${planPrefix(run)}${keyOf(repository)}.json`;
}

/** Returns a part of a key that identifies a repository. Names can be long and contain slashes, so it is a hash. */
export function keyOf(repository: string): string {
  return createHash('sha256').update(repository).digest('hex').slice(0, 32);
}

function policyOf(settings: JobsSettings, run: Run): IndexPolicy {
  const { version, outputTag, maxImageSize, newerThanDays } = settings;
  return {
    filters: filtersOf(run, settings.filters),
    version,
    outputTag,
    ...(maxImageSize !== undefined && { maxImageSize }),
    ...(newerThanDays !== undefined && { newerThan: Date.parse(run.time) - newerThanDays * DAY }),
    readsProvenance: run.readsProvenance,
    ...(run.settingsDigest !== undefined && { settingsDigest: run.settingsDigest }),
  };
}

function planOf(repository: string, images: readonly ImagePlan[]): RepositoryPlan {
  const counts: Record<ImagePlan['action'], number> = { ...NO_TAGS };
  const items: IndexItem[] = [];
  const tooLarge: LargeImage[] = [];
  for (const image of images) {
    const { tag, digest, size = 0 } = image;
    counts[image.action] += 1;
    if (needsIndex(image)) items.push({ repository, tag, digest });
    else if (image.action === 'skipped' && image.reason === 'too-large')
      tooLarge.push({ repository, tag, digest, size });
  }
  return { repository, counts, items, tooLarge };
}

function failedPlan(repository: string, error: Error): RepositoryPlan {
  return { repository, counts: NO_TAGS, items: [], tooLarge: [], problem: problemOf(repository, error) };
}

/** Returns why a repository cannot be listed. @throws FunctionError `TRY_AGAIN` for a temporary error. */
export function problemOf(
  repository: string,
  error: unknown,
): { readonly reason: ListProblem; readonly message: string } {
  const message = messageOf(error);
  const isKnown = error instanceof RegistryError || error instanceof OciError || error instanceof RegistryJobsError;
  const reason = isKnown ? REASONS[error.code] : undefined;
  if (reason === undefined)
    throw new FunctionError('TRY_AGAIN', `cannot list ${repository}: ${message}`, { cause: error });
  return { reason, message };
}

const REASONS: Readonly<Record<string, ListProblem>> = {
  ACCESS_DENIED: 'access-denied',
  NOT_FOUND: 'gone',
  LIMIT_EXCEEDED: 'limit-exceeded',
};
