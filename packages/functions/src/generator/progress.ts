import type { PublishProgress } from '@soci/index';
import { FunctionError } from '../errors.ts';

/** Milliseconds before the end of an invocation at which its work is ended. */
const MARGIN = 10_000;

/**
 * Runs work that ends ten seconds before Lambda ends the invocation, so that there is time to say so; if the invocation has
 * less than twenty, when half of its time is over.
 *
 * @param milliseconds - Time that the invocation has left.
 * @param work - Gets a signal that is aborted with a FunctionError `DEADLINE_NEAR`, whose message says how far the work has
 *   come.
 */
export async function withDeadline<Result>(
  milliseconds: number,
  work: (signal: AbortSignal, progress: JobProgress) => Promise<Result>,
): Promise<Result> {
  const progress = new JobProgress();
  const abort = new AbortController();
  const end = (): void => {
    const message = `the time of the invocation was nearly over: ${progress.describe()}. Nothing was tagged. Give the function more time, or more memory, which is more of a processor`;
    abort.abort(new FunctionError('DEADLINE_NEAR', message));
  };
  const timer = setTimeout(end, Math.max(0, milliseconds - Math.min(MARGIN, milliseconds / 2)));
  try {
    return await work(abort.signal, progress);
  } finally {
    clearTimeout(timer);
  }
}

/** How far the work on an image has come. */
export class JobProgress {
  #stage = 'looking at the image';
  #layers = 0;
  #layersDone = 0;
  #totalBytes = 0;
  readonly #bytes = new Map<string, number>();

  /** Takes note of what `indexImage` reports. */
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
        this.#stage = 'proving the index';
        break;
      case 'pushing':
        this.#stage = 'pushing the index';
        break;
    }
  }

  /** For people, such as `reading layers, 2 of 6 done, 120.5 of 437.0 MB read`. */
  describe(): string {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    if (this.#layers === 0) return this.#stage;
    const bytesRead = [...this.#bytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    const read = `${megabytes(bytesRead)} of ${megabytes(this.#totalBytes)} MB read`;
    return `${this.#stage}, ${this.#layersDone} of ${this.#layers} layers done, ${read}`;
  }
}
