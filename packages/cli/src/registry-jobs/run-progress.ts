import type { RunProgress } from '@soci/registry-jobs';
import type { Progress } from '../terminal/progress.ts';
import { formatCount, pluralize } from '../terminal/quantity.ts';
import { printable } from '../terminal/text.ts';

/** Period of the lines that are written if standard error is not a terminal, in seconds. */
const LINE_PERIOD = 30;

/** The rate is that of the last minutes, so that the remaining time follows changes. In seconds. */
const RATE_PERIOD = 300;

/** Number of samples of the rate. */
const MAX_SAMPLES = 60;

/**
 * Returns a handler that shows the progress of a run: finished images, images per second, remaining time, and how often the
 * registry throttled it.
 *
 * @param throttled - Returns how often the registry answered with 429.
 * @param now - Returns the time in seconds.
 */
export function showRunProgress(
  progress: Progress,
  throttled: () => number,
  now: () => number = () => performance.now() / 1000,
): (state: RunProgress) => void {
  const samples = [{ at: now(), done: 0 }];
  let lineAt = now();
  return ({ done, total, active, counts, finished }) => {
    const at = now();
    const last = samples.at(-1);
    if (last === undefined || at - last.at >= RATE_PERIOD / MAX_SAMPLES) samples.push({ at, done });
    while (samples.length > 2 && at - (samples[0]?.at ?? at) > RATE_PERIOD) samples.shift();
    const detail = describeProgress({
      done,
      total,
      failed: counts.failed,
      throttled: throttled(),
      rate: rateOf(samples, at, done),
    });
    const items = active.map(({ repository, tag }) => ({
      label: `${printable(repository)}:${printable(tag)}`,
      done: 0,
      total: 0,
    }));
    progress.update({ done, total, detail, items });
    if (finished === undefined || (at - lineAt < LINE_PERIOD && done < total)) return;
    lineAt = at;
    progress.milestone(detail);
  };
}

function rateOf(samples: readonly { readonly at: number; readonly done: number }[], at: number, done: number): number {
  const [first] = samples;
  return first === undefined || at <= first.at ? 0 : (done - first.done) / (at - first.at);
}

/** Describes a run: `12 of 300 images, 2.5/s, 2 min left, 1 failed, throttled 3 times`. */
function describeProgress(state: {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly throttled: number;
  readonly rate: number;
}): string {
  const { done, total, failed, throttled, rate } = state;
  return [
    `${formatCount(done)} of ${pluralize(total, 'image')}`,
    ...(rate > 0 ? [`${formatRate(rate)}/s`, `${formatDuration((total - done) / rate)} left`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(throttled > 0 ? [`throttled ${pluralize(throttled, 'time')}`] : []),
  ].join(', ');
}

function formatRate(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)));
}

/** Formats a long duration: `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h`. */
export function formatDuration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
