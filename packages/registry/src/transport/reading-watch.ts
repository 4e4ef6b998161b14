import { RegistryError } from '../errors.ts';

/** 4 KiB: who sends less in the time of a stall might as well send nothing. */
const MIN_PROGRESS = 2 ** 12;

/** What {@link ReadingWatch} watches, and for how long. */
export interface WatchedReading {
  /** The request, as `describeRequest` names it. */
  readonly request: string;
  /** Milliseconds of waiting in which less than {@link MIN_PROGRESS} came that count as a stall. */
  readonly stallTimeout: number;
  /** Told of the stall. */
  readonly onStall: (error: RegistryError) => void;
}

/**
 * Watches that a body gets on while somebody waits for it; a reader that takes its time is no stall. One timer serves the
 * whole body: over TLS a chunk has 16 KiB, and a timer for each would cost a fifth of what reading it costs.
 */
export class ReadingWatch {
  readonly #reading: WatchedReading;
  #timer: NodeJS.Timeout | undefined;
  #verdict: NodeJS.Immediate | undefined;
  #waitingSince: number | undefined;
  /** Milliseconds waited, and bytes received, since there was progress. */
  #waited = 0;
  #received = 0;

  constructor(reading: WatchedReading) {
    this.#reading = reading;
  }

  /** Bytes are waited for from now on. */
  wait(): void {
    this.#waitingSince = performance.now();
    this.#timer ??= this.#look(this.#reading.stallTimeout);
  }

  /** Bytes are there, and nobody waits for more yet. */
  receive(bytes: number): void {
    this.#waited = this.#idleTime();
    this.#waitingSince = undefined;
    this.#received += bytes;
    if (this.#received < MIN_PROGRESS) return;
    this.#received = 0;
    this.#waited = 0;
  }

  /** It is over. */
  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#verdict);
  }

  /** The connection keeps the process alive, where it should be kept. */
  #look(delay: number): NodeJS.Timeout {
    return setTimeout(() => {
      // Where it was this process that stood still, what came meanwhile is looked at first.
      this.#verdict = setImmediate(() => this.#judge());
    }, delay).unref();
  }

  #judge(): void {
    const { request, stallTimeout, onStall } = this.#reading;
    const left = stallTimeout - (this.#waitingSince === undefined ? 0 : this.#idleTime());
    if (left > 0) {
      this.#timer = this.#look(left);
    } else {
      const message = `${request}: no progress for ${stallTimeout / 1000} s while reading the answer`;
      onStall(new RegistryError('STALLED', message, { request }));
    }
  }

  #idleTime(): number {
    return this.#waited + (this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince);
  }
}
