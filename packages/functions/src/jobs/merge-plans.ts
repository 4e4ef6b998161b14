import { FunctionError } from '../errors.ts';
import type { Log } from '../invocation.ts';
import { type LargeImage, NO_TAGS, type PlanCounts, planPrefix, type RepositoryPlan } from './list-repository.ts';
import type { JobsMetrics } from './metrics.ts';
import type { Run, StoredItems } from './run.ts';
import type { RunStore } from './store.ts';

/** Summary of the plans of all repositories. It is part of the report. */
export interface RunSummary {
  /** Number of repositories that match the filters, and of those that were listed. */
  readonly repositories: { readonly matched: number; readonly listed: number };
  /** Repositories that could not be listed, at most {@link MAX_LISTED}. */
  readonly notListed: readonly { readonly repository: string; readonly reason: string; readonly message: string }[];
  /** Number of tags by action of the plan. */
  readonly tags: PlanCounts;
  /** Number of images that are larger than the generator may get, and the first {@link MAX_LISTED} of them. */
  readonly tooLarge: { readonly count: number; readonly images: readonly LargeImage[] };
}

/** Response of the third step. */
export interface MergedRun {
  readonly run: Run;
  /** Names of the repositories. */
  readonly repositories: StoredItems;
  /** Images to index. Empty for a dry run. */
  readonly index: StoredItems;
  /** Key of the {@link RunSummary}. */
  readonly summary: string;
}

/** Maximum number of entries of a list in a report. The counts include all. */
export const MAX_LISTED = 1000;

/** Dependencies of {@link mergePlans}. */
export interface MergeContext {
  readonly confirmAbove: number;
  readonly store: RunStore;
  readonly log: Log;
  readonly metrics: Pick<JobsMetrics, 'recordFound'>;
}

/**
 * Third step of a run: merges the plans of the repositories into one list of images, and counts them.
 *
 * @throws FunctionError `CONFIRMATION_MISSING` if there are more images than runs without confirmation may index.
 */
export async function mergePlans(
  { run, repositories }: { readonly run: Run; readonly repositories: StoredItems },
  { confirmAbove, store, log, metrics }: MergeContext,
): Promise<MergedRun> {
  const names = new Set((await store.get(repositories.key)) as readonly string[]);
  const notListed: { repository: string; reason: string; message: string }[] = [];
  const large: LargeImage[] = [];
  const tags = { ...NO_TAGS };
  const parts: string[] = [];
  let [listed, largeCount, count] = [0, 0, 0];
  for (const key of (await store.list(planPrefix(run))).toSorted()) {
    const plan = (await store.get(key)) as RepositoryPlan;
    names.delete(plan.repository);
    if (plan.problem === undefined) listed += 1;
    else notListed.push({ repository: plan.repository, ...plan.problem });
    for (const action of Object.keys(tags) as (keyof PlanCounts)[]) tags[action] += plan.counts[action];
    largeCount += plan.tooLarge.length;
    large.push(...plan.tooLarge.slice(0, MAX_LISTED - large.length));
    for (const item of plan.items) parts.push(`${count++ === 0 ? '' : ','}${JSON.stringify(item)}`);
  }
  for (const repository of names) {
    notListed.push({ repository, reason: 'crashed', message: 'the function that lists it failed: see its log' });
  }
  const summary: RunSummary = {
    repositories: { matched: repositories.count, listed },
    notListed: notListed.slice(0, MAX_LISTED),
    tags,
    tooLarge: { count: largeCount, images: large },
  };
  const [summaryKey, key] = [`${run.prefix}/summary.json`, `${run.prefix}/images.json`];
  await store.put(summaryKey, summary);
  await store.putText(key, ['[', ...parts, ']']);
  metrics.recordFound(tags);
  log.info(`${count} images of ${listed} repositories must be indexed`, { run: run.name, images: count, ...tags });
  if (count > confirmAbove && !run.confirm && !run.dryRun) {
    throw new FunctionError(
      'CONFIRMATION_MISSING',
      `${count} images would be indexed: the limit without confirmation is ${confirmAbove}. Start the state machine again with the input {"confirm":true}, or first with {"dryRun":true}. The images are in ${key}`,
    );
  }
  return { run, repositories, index: { key, count: run.dryRun ? 0 : count }, summary: summaryKey };
}
