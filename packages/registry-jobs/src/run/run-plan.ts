import { RegistryJobsError } from '../errors.ts';
import type { ImageTag } from '../plan/image-plan.ts';
import { type FinishedImage, type ImageOutcome, type OutcomeCounts, outcomeOfError } from './image-outcome.ts';
import type { StateFile } from './state-file.ts';

/** Options of {@link runPlan}. */
export interface RunOptions<Item extends ImageTag> {
  /** Indexes an image. An error that it throws becomes an outcome: `failed`, or `skipped` if the image no longer exists. */
  readonly index: (item: Item, options: { readonly signal: AbortSignal }) => Promise<ImageOutcome>;
  /** Number of images at a time, from 1 to 1,000. @default 4 */
  readonly jobs?: number;
  /** File that records finished images. @default none */
  readonly state?: StateFile;
  /** Stops the run: images in progress are aborted, and not recorded. @default never */
  readonly signal?: AbortSignal;
  /** Called when an image starts or is finished. @default no calls */
  readonly onProgress?: (progress: RunProgress) => void;
}

/** State of a run. */
export interface RunProgress {
  /** Number of finished images. */
  readonly done: number;
  /** Number of images of the run. */
  readonly total: number;
  /** Images in progress. */
  readonly active: readonly ImageTag[];
  readonly counts: OutcomeCounts;
  /** The image that was finished. Absent when an image starts. */
  readonly finished?: FinishedImage;
}

/** Result of {@link runPlan}. */
export interface RunResult {
  readonly counts: OutcomeCounts;
  /** Number of images by outcome and reason, such as `failed access-denied`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Bytes of layers that were read. */
  readonly bytesRead: number;
  /** Duration in seconds. */
  readonly seconds: number;
}

const DEFAULT_JOBS = 4;
const MAX_JOBS = 1000;

/**
 * Indexes the images of a plan, in their order. An image that fails does not stop the run. With a state file, an outcome counts
 * when its line is written.
 *
 * @throws RegistryJobsError `OPTION_INVALID`; errors of the state file; the abort reason of the signal.
 */
export async function runPlan<Item extends ImageTag>(
  items: readonly Item[],
  options: RunOptions<Item>,
): Promise<RunResult> {
  const { index, jobs = DEFAULT_JOBS, state, onProgress = () => {} } = options;
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > MAX_JOBS) {
    throw new RegistryJobsError('OPTION_INVALID', `jobs is ${jobs}: expected an integer from 1 to ${MAX_JOBS}`);
  }
  const started = performance.now();
  // An error of one job, such as a full disk, stops the others.
  const failure = new AbortController();
  const signal = AbortSignal.any([failure.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const counts = { indexed: 0, skipped: 0, failed: 0 };
  const reasons: Record<string, number> = {};
  const active = new Set<Item>();
  let [done, bytesRead, next] = [0, 0, 0];
  const report = (finished?: FinishedImage) =>
    onProgress({ done, total: items.length, active: [...active], counts, ...(finished && { finished }) });

  const runItem = async (item: Item): Promise<void> => {
    active.add(item);
    report();
    const start = performance.now();
    const outcome = await index(item, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      return outcomeOfError(error);
    });
    const { repository, tag, digest, size, pushedAt } = item;
    const finished: FinishedImage = {
      repository,
      tag,
      digest,
      ...(size !== undefined && { size }),
      ...(pushedAt !== undefined && { pushedAt }),
      ...outcome,
      seconds: Number(((performance.now() - start) / 1000).toFixed(3)),
    };
    await state?.record(finished);
    active.delete(item);
    done++;
    counts[outcome.outcome]++;
    bytesRead += outcome.bytesRead ?? 0;
    const reason = outcome.reason === undefined ? outcome.outcome : `${outcome.outcome} ${outcome.reason}`;
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    report(finished);
  };
  const runJob = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      signal.throwIfAborted();
      await runItem(item);
    }
  };
  const running = Array.from({ length: Math.min(jobs, items.length) }, () =>
    runJob().catch((error: unknown) => {
      failure.abort(error);
      throw error;
    }),
  );
  // All jobs are finished before the caller closes what they use.
  await Promise.allSettled(running);
  await Promise.all(running);
  return { counts, reasons, bytesRead, seconds: (performance.now() - started) / 1000 };
}
