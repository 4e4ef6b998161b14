import {
  type FailedRepository,
  type FinishedImage,
  type ImageTag,
  type PlannedRepository,
  PRICES_DATE,
  type RunEstimate,
  type RunResult,
} from '@soci/registry-jobs';
import { describeError } from '../terminal/describe-error.ts';
import type { Output } from '../terminal/output.ts';
import { formatBytes, formatCount, formatSeconds, pluralize } from '../terminal/quantity.ts';
import { numberColumns } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import { formatDuration } from './run-progress.ts';

/** Tags of a repository by what the plan says. */
export interface RepositoryCounts {
  readonly repository: string;
  /** Number of tags by action. */
  readonly index: number;
  readonly current: number;
  readonly stale: number;
  readonly skipped: number;
  /** Number of tags by action and reason, such as `stale tag-moved`. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** What a backfill would do. */
export interface BackfillPlan {
  readonly host: string;
  readonly repositories: readonly RepositoryCounts[];
  readonly failed: readonly FailedRepository[];
  /** The images to index, in their order. */
  readonly items: readonly (ImageTag & { readonly action: string; readonly reason: string })[];
  readonly estimate: RunEstimate;
}

/** What a backfill has done. */
export interface BackfillReport {
  readonly plan: BackfillPlan;
  readonly result: RunResult;
  /** The first images that failed. */
  readonly failures: readonly FinishedImage[];
  /** Path of the state file. */
  readonly state: string | undefined;
  /** How often the registry answered with 429. */
  readonly throttled: number;
}

/** Counts the tags of a repository. */
export function countPlans({ repository, images }: PlannedRepository): RepositoryCounts {
  const actions = { index: 0, current: 0, stale: 0, skipped: 0 };
  const reasons: Record<string, number> = {};
  for (const { action, reason } of images) {
    actions[action]++;
    const key = `${action} ${reason}`;
    reasons[key] = (reasons[key] ?? 0) + 1;
  }
  return { repository, ...actions, reasons };
}

/** Prints what a backfill would do, with its time and cost. */
export async function printPlan(
  { host, repositories, failed, items, estimate }: BackfillPlan,
  output: Output,
): Promise<void> {
  if (output.json) {
    const errors = failed.map(({ repository, error }) => ({ repository, error: describeError(error) }));
    await output.writeJson({ host, repositories, failed: errors, images: items, estimate });
    return;
  }
  if (output.quiet) {
    for (const { repository, tag } of items) await output.writeLine(`${host}/${repository}:${tag}`);
    return;
  }
  const rows = repositories.map(({ repository, ...counts }) => [
    printable(repository),
    ...[counts.index, counts.stale, counts.current, counts.skipped].map(formatCount),
  ]);
  await output.writeTable(
    [{ title: 'REPOSITORY', flexible: true }, ...numberColumns('MISSING', 'STALE', 'CURRENT', 'SKIPPED')],
    rows,
  );
  await output.writeLine();
  for (const line of describeReasons(repositories.map(({ reasons }) => reasons))) await output.writeLine(line);
  await output.writeLine(
    items.length === 0 ? 'Nothing to do.' : `${pluralize(items.length, 'image')} to index, ${sizeOf(items)}.`,
  );
  if (items.length > 0) await printEstimate(estimate, output);
}

function sizeOf(items: readonly ImageTag[]): string {
  const unknown = items.filter(({ size }) => size === undefined).length;
  const bytes = items.reduce((sum, { size = 0 }) => sum + size, 0);
  if (unknown === items.length) return 'of unknown size';
  return unknown === 0
    ? formatBytes(bytes)
    : `${formatBytes(bytes)} and ${pluralize(unknown, 'image')} of unknown size`;
}

async function printEstimate(
  { seconds, formula, indexBytes, costs, usd, maxUsd }: RunEstimate,
  output: Output,
): Promise<void> {
  await output.writeLine(`Time: about ${formatDuration(seconds)} = ${formula}`);
  if (indexBytes > 0) await output.writeLine(`Indexes: about ${formatBytes(indexBytes)}`);
  if (costs.length === 0) return;
  await output.writeLine(
    `Cost: ${formatUsd(usd)}, at most ${formatUsd(maxUsd)}, by list prices of us-east-1 (${PRICES_DATE}):`,
  );
  const rows = costs.map((cost) => [cost.name, formatUsd(cost.usd), cost.formula, cost.condition ?? '']);
  const columns = [{ title: 'ITEM' }, ...numberColumns('USD'), { title: 'FORMULA' }, { title: '' }];
  await output.writeTable(columns, rows, '  ');
}

/** Prints what a backfill has done. */
export async function printRun(
  { plan, result, failures, state, throttled }: BackfillReport,
  output: Output,
): Promise<void> {
  const { counts, reasons, bytesRead } = result;
  const seconds = Number(result.seconds.toFixed(3));
  if (output.json) {
    const failed = plan.failed.map(({ repository, error }) => ({ repository, error: describeError(error) }));
    const { host } = plan;
    await output.writeJson({ host, counts, reasons, bytesRead, throttled, seconds, state, failures, failed });
    return;
  }
  if (output.quiet) {
    await output.writeLine(`${counts.indexed} ${counts.failed}`);
    return;
  }
  for (const { repository, tag, reason, message } of failures) {
    await output.writeLine(`${printable(`${repository}:${tag}`)}  failed (${reason}): ${printable(message ?? '')}`);
  }
  if (counts.failed > failures.length)
    await output.writeLine(`and ${counts.failed - failures.length} more in ${state}`);
  for (const line of describeReasons([reasons])) await output.writeLine(line);
  const images = plan.items.length;
  const rate = seconds > 0 ? `, ${Number((images / seconds).toPrecision(2))}/s` : '';
  const retries = throttled > 0 ? `, throttled ${pluralize(throttled, 'time')}` : '';
  await output.writeLine(
    `Indexed ${formatCount(counts.indexed)} of ${pluralize(images, 'image')} in ${formatSeconds(seconds)}${rate}${retries}; read ${formatBytes(bytesRead)}.`,
  );
  if (counts.failed > 0) await output.writeLine('Run the same command again to try again what failed.');
}

/** Formats counts by reason, the largest first. */
function describeReasons(all: readonly Readonly<Record<string, number>>[]): string[] {
  const sums = new Map<string, number>();
  for (const [reason, count] of all.flatMap(Object.entries<number>)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  const rows = [...sums].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
  const width = Math.max(0, ...rows.map(([, count]) => formatCount(count).length));
  return rows.map(([reason, count]) => `${formatCount(count).padStart(width)}  ${printable(reason)}`);
}

/** Formats dollars: `$0.42`, `$175`. */
export function formatUsd(usd: number): string {
  return usd >= 100 ? `$${formatCount(Math.round(usd))}` : `$${usd.toFixed(2)}`;
}
