import { formatEcrHost } from '@soci/ecr';
import type { JobsSettings } from '../environment/jobs-settings.ts';
import type { AwsLocation, Log } from '../invocation.ts';
import { type GarbageReport, reportGarbage } from './garbage-report.ts';
import { type ChildResult, readMapResults } from './map-results.ts';
import { MAX_LISTED, type MergedRun, type RunSummary } from './merge-plans.ts';
import type { JobsMetrics } from './metrics.ts';
import { type Run, undoPrefix } from './run.ts';
import type { RunStore } from './store.ts';

/** Report of a run, stored as `report.json`. */
export interface RunReport extends RunSummary {
  readonly schemaVersion: 1;
  /** ARN of the execution. */
  readonly execution: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly dryRun: boolean;
  /** Number of images by outcome. `crashed`: the generator timed out, ran out of memory, or could not be invoked. */
  readonly images: Readonly<Record<ImageOutcome, number>>;
  /** Number of images by outcome and reason. */
  readonly reasons: Readonly<Record<'skipped' | 'failed', Readonly<Record<string, number>>>>;
  /** Images without an index, at most {@link MAX_LISTED}. */
  readonly failures: readonly FailedImage[];
  /** Commands that index the images that are too large for the generator, at most {@link MAX_LISTED}. */
  readonly commands: readonly string[];
  /** Garbage, if runs look for it. */
  readonly garbage?: GarbageReport;
}

/** Outcome of an image in a run. */
export type ImageOutcome = 'indexed' | 'skipped' | 'failed' | 'crashed';

/** An image that could not be indexed. */
export interface FailedImage {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly reason: string;
  readonly message: string;
}

/** Response of the last step, and detail of the event. */
export interface RunResult {
  readonly execution: string;
  readonly bucket: string;
  /** Key of the report. */
  readonly report: string;
  readonly dryRun: boolean;
  readonly images: RunReport['images'];
  /** Number of repositories that were not listed. */
  readonly repositoriesNotListed: number;
  /** Number of images that are too large for the generator. */
  readonly imagesTooLarge: number;
  /** Garbage, if runs look for it. */
  readonly garbage?: GarbageSummary;
}

/** Numbers of a {@link GarbageReport}. */
export type GarbageSummary = GarbageReport['manifests'] & {
  /** Number of repositories that were not checked, or not to the end. */
  readonly repositoriesNotChecked: number;
  /** Number of manifests that look like garbage and are kept, by reason. */
  readonly keptReasons: GarbageReport['kept'];
  /** Prefix of the undo logs in the bucket, if something was deleted. */
  readonly undo?: string;
};

/** Dependencies of {@link reportRun}. */
export interface ReportContext {
  readonly settings: JobsSettings;
  readonly location: AwsLocation;
  readonly store: RunStore;
  readonly log: Log;
  readonly metrics: Pick<JobsMetrics, 'recordGarbage'>;
  /** Sends the event `SOCI Run Complete`. */
  readonly announce: (result: RunResult) => Promise<void>;
}

/** Maximum length of a message in a report, in characters. */
const MAX_MESSAGE = 500;

/** Last step of a run: counts the outcomes, writes the report, and sends an event. */
export async function reportRun(
  { run, repositories, summary: key }: MergedRun,
  { settings, location, store, log, metrics, announce }: ReportContext,
): Promise<RunResult> {
  const summary = (await store.get(key)) as RunSummary;
  const outcomes = new Outcomes();
  for await (const result of readMapResults(store, run.results)) outcomes.add(result);
  const garbage = run.garbage === 'off' ? undefined : await reportGarbage(run, repositories, store);
  const report: RunReport = {
    schemaVersion: 1,
    execution: run.execution,
    startedAt: run.time,
    finishedAt: new Date().toISOString(),
    dryRun: run.dryRun,
    ...summary,
    ...outcomes.totals(),
    commands: summary.tooLarge.images.map(({ repository, tag, digest }) => {
      const host = formatEcrHost({ ...location, fips: settings.fips, dualStack: settings.dualStack }) ?? 'HOST';
      return commandFor(settings, `${host}/${repository}`, tag, digest);
    }),
    ...(garbage && { garbage }),
  };
  const reportKey = `${run.prefix}/report.json`;
  await store.put(reportKey, report);
  const result: RunResult = {
    execution: run.execution,
    bucket: settings.bucket,
    report: reportKey,
    dryRun: run.dryRun,
    images: report.images,
    repositoriesNotListed: summary.repositories.matched - summary.repositories.listed,
    imagesTooLarge: summary.tooLarge.count,
    ...(garbage && { garbage: summarize(garbage, run) }),
  };
  if (garbage !== undefined) metrics.recordGarbage(garbage.manifests);
  log.info('the run is complete', { ...result });
  // The report exists. A retry of the step would send the event twice, but not change the report.
  await announce(result).catch((error: unknown) => log.error('SOCI Run Complete was not sent', { error }));
  return result;
}

/** Returns what fits in an event. */
function summarize({ manifests, kept, notCheckedCount, undo }: GarbageReport, run: Run): GarbageSummary {
  return {
    ...manifests,
    repositoriesNotChecked: notCheckedCount,
    keptReasons: kept,
    ...(undo.length > 0 && { undo: undoPrefix(run) }),
  };
}

/** Returns the command that indexes an image on a machine without the time limit of Lambda. */
function commandFor({ version, outputTag }: JobsSettings, name: string, tag: string, digest: string): string {
  if (version === 1) return `soci-index create ${name}:${tag}`;
  const output = outputTag.format({ tag, digest });
  return `soci-index convert ${name}:${tag} ${name}${output === undefined ? '' : `:${output}`}`;
}

/** Counts the results of an Index state. */
class Outcomes {
  readonly #images: Record<ImageOutcome, number> = { indexed: 0, skipped: 0, failed: 0, crashed: 0 };
  readonly #reasons: Record<'skipped' | 'failed', Record<string, number>> = { skipped: {}, failed: {} };
  readonly #failures: FailedImage[] = [];

  add({ status, input, output, error, cause }: ChildResult): void {
    const { outcome, reason = '', message = '' } = (output ?? {}) as { readonly [key: string]: string };
    if (status === 'failed') {
      this.#images.crashed += 1;
      this.#list(input, error ?? 'crashed', cause ?? '');
      return;
    }
    if (outcome === 'indexed') {
      this.#images.indexed += 1;
      return;
    }
    const kind = outcome === 'skipped' ? 'skipped' : 'failed';
    this.#images[kind] += 1;
    this.#reasons[kind][reason] = (this.#reasons[kind][reason] ?? 0) + 1;
    if (kind === 'failed') this.#list(input, reason, message);
  }

  totals(): Pick<RunReport, 'images' | 'reasons' | 'failures'> {
    return { images: this.#images, reasons: this.#reasons, failures: this.#failures };
  }

  #list(input: unknown, reason: string, message: string): void {
    if (this.#failures.length >= MAX_LISTED) return;
    const { detail = {} } = (input ?? {}) as { readonly detail?: Readonly<Record<string, string>> };
    this.#failures.push({
      repository: detail['repository-name'] ?? '',
      tag: detail['image-tag'] ?? '',
      digest: detail['image-digest'] ?? '',
      reason,
      message: message.slice(0, MAX_MESSAGE),
    });
  }
}
