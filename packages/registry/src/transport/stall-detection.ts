import { RegistryError } from '../errors.ts';
import { MAX_TIMEOUT } from '../options.ts';

/** What a request was doing when it got no further. */
export type StallPhase = 'connecting' | 'sending the request' | 'waiting for the answer';

/** A timer that, if this process itself stood still, lets it look first at what came meanwhile. */
class LateTimer {
  #timer: NodeJS.Timeout | undefined;
  #verdict: NodeJS.Immediate | undefined;

  start(delay: number, callback: () => void): NodeJS.Timeout {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#verdict = setImmediate(callback);
    }, delay);
    return this.#timer;
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#verdict);
  }
}

/** Watches that a request makes progress: if it makes none for too long, the holder of the connection is told. */
export class StallTimer {
  readonly #request: string;
  readonly #timeout: number;
  readonly #onStall: (error: RegistryError) => void;
  readonly #timer = new LateTimer();

  /**
   * @param request - As `describeRequest` names it.
   * @param timeout - Milliseconds without progress that count as a stall.
   */
  constructor(request: string, timeout: number, onStall: (error: RegistryError) => void) {
    this.#request = request;
    this.#timeout = timeout;
    this.#onStall = onStall;
  }

  /** Begins to wait, `extra` milliseconds longer than usual; a wait before this is over. */
  start(phase: StallPhase, extra = 0): void {
    const timeout = Math.min(this.#timeout + extra, MAX_TIMEOUT);
    this.#timer.start(timeout, () => this.#onStall(stalled(this.#request, timeout, phase)));
  }

  /** Nothing is waited for. */
  stop(): void {
    this.#timer.stop();
  }
}

/** 4 KiB: who sends less in the time of a stall might as well send nothing. */
const MIN_PROGRESS = 2 ** 12;

/**
 * Watches that a body gets on while somebody waits for it; a reader that takes its time is no stall. One timer serves the
 * whole body: over TLS a chunk has 16 KiB, and a timer for each would cost a fifth of what reading it costs.
 */
export class BodyStallDetector {
  readonly #request: string;
  readonly #timeout: number;
  readonly #onStall: (error: RegistryError) => void;
  readonly #timer = new LateTimer();
  #isStarted = false;
  #waitingSince: number | undefined;
  /** Milliseconds waited, and bytes received, since there was progress. */
  #waited = 0;
  #received = 0;

  /**
   * @param request - As `describeRequest` names it.
   * @param timeout - Milliseconds of waiting in which less than {@link MIN_PROGRESS} came that count as a stall.
   */
  constructor(request: string, timeout: number, onStall: (error: RegistryError) => void) {
    this.#request = request;
    this.#timeout = timeout;
    this.#onStall = onStall;
  }

  /** Bytes are waited for from now on. */
  wait(): void {
    this.#waitingSince = performance.now();
    if (!this.#isStarted) this.#look(this.#timeout);
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

  /** It is over. */
  stop(): void {
    this.#timer.stop();
  }

  /** The connection keeps the process alive, if anything must. */
  #look(delay: number): void {
    this.#timer.start(delay, () => this.#judge()).unref();
  }

  #judge(): void {
    const left = this.#timeout - (this.#waitingSince === undefined ? 0 : this.#idleTime());
    if (left > 0) this.#look(left);
    else this.#onStall(stalled(this.#request, this.#timeout, 'reading the answer'));
  }

  #idleTime(): number {
    return this.#waited + (this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince);
  }
}

function stalled(request: string, timeout: number, phase: string): RegistryError {
  return new RegistryError('STALLED', `${request}: no progress for ${timeout / 1000} s while ${phase}`, { request });
}
