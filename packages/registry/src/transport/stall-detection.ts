import { RegistryError } from '../errors.ts';
import { MAX_TIMEOUT } from '../options.ts';

/** What a request was doing when it got no further. */
export type StallPhase = 'connecting' | 'sending the request' | 'waiting for the answer';

/** Tells the holder of a connection that there was no progress for too long. */
class StallWatch {
  protected readonly timeout: number;
  readonly #request: string;
  readonly #onStall: (error: RegistryError) => void;
  #timer: NodeJS.Timeout | undefined;
  #verdict: NodeJS.Immediate | undefined;

  /**
   * @param request - As `describeRequest` names it.
   * @param timeout - Milliseconds without progress that count as a stall.
   */
  constructor(request: string, timeout: number, onStall: (error: RegistryError) => void) {
    this.#request = request;
    this.timeout = timeout;
    this.#onStall = onStall;
  }

  /** Nothing is waited for. */
  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#verdict);
  }

  /** Calls back after `delay` milliseconds; if this process itself stood still, it looks first at what came meanwhile. */
  protected startTimer(delay: number, callback: () => void): NodeJS.Timeout {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#verdict = setImmediate(callback);
    }, delay);
    return this.#timer;
  }

  protected reportStall(timeout: number, phase: string): void {
    const message = `${this.#request}: no progress for ${timeout / 1000} s while ${phase}`;
    this.#onStall(new RegistryError('STALLED', message, { request: this.#request }));
  }
}

/** Watches that a request makes progress. */
export class StallTimer extends StallWatch {
  /** Begins to wait, `extra` milliseconds longer than usual; a wait before this is over. */
  start(phase: StallPhase, extra = 0): void {
    const timeout = Math.min(this.timeout + extra, MAX_TIMEOUT);
    this.startTimer(timeout, () => this.reportStall(timeout, phase));
  }
}

/** 4 KiB: who sends less in the time of a stall might as well send nothing. */
const MIN_PROGRESS = 2 ** 12;

/**
 * Watches that at least {@link MIN_PROGRESS} of a body come in each timeout spent waiting; a slow reader is no stall. One
 * timer serves the whole body: over TLS a chunk has 16 KiB, and a timer for each would cost a fifth of reading it.
 */
export class BodyStallDetector extends StallWatch {
  #isStarted = false;
  #waitingSince: number | undefined;
  /** Milliseconds waited, and bytes received, since there was progress. */
  #waited = 0;
  #received = 0;

  /** Bytes are waited for from now on. */
  wait(): void {
    this.#waitingSince = performance.now();
    if (!this.#isStarted) this.#look(this.timeout);
    this.#isStarted = true;
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

  /** The connection keeps the process alive, if anything must. */
  #look(delay: number): void {
    this.startTimer(delay, () => {
      const left = this.timeout - (this.#waitingSince === undefined ? 0 : this.#idleTime());
      if (left > 0) this.#look(left);
      else this.reportStall(this.timeout, 'reading the answer');
    }).unref();
  }

  #idleTime(): number {
    return this.#waited + (this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince);
  }
}
