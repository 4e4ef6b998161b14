import { RegistryError } from '../errors.ts';

/** What a request was doing when it got no further. */
export type StallPhase = 'connecting' | 'sending the request' | 'waiting for the answer';

/** Watches that a request gets on: where it does not for too long, whoever holds the connection is told. */
export class StallTimer {
  readonly #request: string;
  readonly #onStall: (error: RegistryError) => void;
  #timer: NodeJS.Timeout | undefined;
  #verdict: NodeJS.Immediate | undefined;

  /** @param request - As `describeRequest` names it. */
  constructor(request: string, onStall: (error: RegistryError) => void) {
    this.#request = request;
    this.#onStall = onStall;
  }

  /** Begins to wait, `timeout` milliseconds; a wait before this is over. */
  start(phase: StallPhase, timeout: number): void {
    this.stop();
    const stall = () => {
      const message = `${this.#request}: no progress for ${timeout / 1000} s while ${phase}`;
      this.#onStall(new RegistryError('STALLED', message, { request: this.#request }));
    };
    // Where it was this process that stood still, what came meanwhile is looked at first.
    this.#timer = setTimeout(() => {
      this.#verdict = setImmediate(stall);
    }, timeout);
  }

  /** Nothing is waited for. */
  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#verdict);
  }
}

/** 4 KiB: who sends less in the time of a stall might as well send nothing. */
const MIN_PROGRESS = 2 ** 12;

/** What {@link BodyStallDetector} watches, and for how long. */
export interface WatchedBody {
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
export class BodyStallDetector {
  readonly #reading: WatchedBody;
  #timer: NodeJS.Timeout | undefined;
  #verdict: NodeJS.Immediate | undefined;
  #waitingSince: number | undefined;
  /** Milliseconds waited, and bytes received, since there was progress. */
  #waited = 0;
  #received = 0;

  constructor(reading: WatchedBody) {
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
