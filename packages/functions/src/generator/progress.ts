import type { PublishProgress } from '@soci/index';
import { FunctionError } from '../errors.ts';

/** How long before the timeout the work is aborted, in milliseconds. */
const ABORT_MARGIN = 10_000;

/**
 * Runs `work` and aborts it ten seconds before the timeout, which leaves time to report it. If less than 20 seconds remain, aborts
 * after half of the remaining time.
 *
 * @param milliseconds - Remaining time of the invocation.
 * @param work - Gets a signal that is aborted with a FunctionError `DEADLINE_NEAR`. Its message contains the progress.
 */
export async function withDeadline<Result>(
  milliseconds: number,
  work: (signal: AbortSignal, progress: JobProgress) => Promise<Result>,
): Promise<Result> {
  const progress = new JobProgress();
  const abort = new AbortController();
  const end = (): void => {
    const message = `the invocation was about to time out: ${progress.describe()}. No tag was set. Increase the timeout, or the memory, which adds CPU`;
    abort.abort(new FunctionError('DEADLINE_NEAR', message));
  };
  const timer = setTimeout(end, Math.max(0, milliseconds - Math.min(ABORT_MARGIN, milliseconds / 2)));
  try {
    return await work(abort.signal, progress);
  } finally {
    clearTimeout(timer);
  }
}

/** Tracks the progress of indexing an image. */
export class JobProgress {
  #stage = 'reading manifests';
  #layers = 0;
  #layersDone = 0;
  #totalBytes = 0;
  readonly #bytes = new Map<string, number>();

  /** Records an event of `indexImage`. */
  note(event: PublishProgress): void {
    switch (event.type) {
      case 'planned':
        this.#stage = 'reading layers';
        this.#layers = event.layers;
        this.#layersDone = 0;
        this.#totalBytes = event.bytes;
        this.#bytes.clear();
        break;
      case 'layer-progress':
        this.#bytes.set(event.layer, event.bytes);
        break;
      case 'layer-done':
        this.#layersDone += 1;
        this.#bytes.set(event.layer, event.size);
        break;
      case 'proving':
        this.#stage = 'verifying the index';
        break;
      case 'pushing':
        this.#stage = 'pushing the index';
        break;
    }
  }

  /** Describes the progress, such as `reading layers, 2 of 6 layers done, 120.5 of 437.0 MB read`. */
  describe(): string {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    if (this.#layers === 0) return this.#stage;
    const bytesRead = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    const read = `${megabytes(bytesRead)} of ${megabytes(this.#totalBytes)} MB read`;
    return `${this.#stage}, ${this.#layersDone} of ${this.#layers} layers done, ${read}`;
  }
}
