import { RegistryError } from '../errors.ts';
import { MAX_TIMEOUT } from '../options.ts';

/** Phase of a request, for messages. */
export type StallPhase = 'connecting' | 'sending the request' | 'waiting for the response';

/** Reports that a connection makes no progress. */
class StallDetector {
  protected readonly timeout: number;
  readonly #request: string;
  readonly #onStall: (error: RegistryError) => void;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /**
   * @param request - The request, as formatted by `describeRequest`.
   * @param timeout - Stall timeout in milliseconds.
   */
  constructor(request: string, timeout: number, onStall: (error: RegistryError) => void) {
    this.#request = request;
    this.timeout = timeout;
    this.#onStall = onStall;
  }

  /** Stops the timer. */
  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  /**
   * Calls back after `delay` milliseconds. The callback runs after pending I/O events, in case the process itself was
   * blocked.
   */
  protected startTimer(delay: number, callback: () => void): NodeJS.Timeout {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#immediate = setImmediate(callback);
    }, delay);
    return this.#timer;
  }

  protected reportStall(timeout: number, phase: string): void {
    const message = `${this.#request}: no progress for ${timeout / 1000} s while ${phase}: check the network`;
    this.#onStall(new RegistryError('STALLED', message, { request: this.#request }));
  }
}

/** Detects that a phase of a request stalls. */
export class StallTimer extends StallDetector {
  /** Starts the timeout for a phase, extended by `extra` milliseconds. Replaces a running timeout. */
  start(phase: StallPhase, extra = 0): void {
    const timeout = Math.min(this.timeout + extra, MAX_TIMEOUT);
    this.startTimer(timeout, () => this.reportStall(timeout, phase));
  }
}

/** 4 KiB: receiving less within the timeout counts as a stall. */
const MIN_PROGRESS = 2 ** 12;

/**
 * Detects that fewer than {@link MIN_PROGRESS} bytes of a body arrive within a timeout. Only the time spent waiting for
 * bytes counts, so a slow consumer is not a stall. Uses one timer for the whole body: over TLS a chunk has 16 KiB, and
 * a timer per chunk costs a fifth of the read time.
 */
export class BodyStallDetector extends StallDetector {
  #isStarted = false;
  #waitingSince: number | undefined;
  /** Milliseconds waited and bytes received since the last progress. */
  #waited = 0;
  #received = 0;

  /** Starts waiting for bytes. */
  wait(): void {
    this.#waitingSince = performance.now();
    if (!this.#isStarted) this.#check(this.timeout);
    this.#isStarted = true;
  }

  /** Records received bytes and stops waiting. */
  receive(bytes: number): void {
    this.#waited = this.#idleTime();
    this.#waitingSince = undefined;
    this.#received += bytes;
    if (this.#received < MIN_PROGRESS) return;
    this.#received = 0;
    this.#waited = 0;
  }

  /** The timer does not keep the process alive; the connection does. */
  #check(delay: number): void {
    this.startTimer(delay, () => {
      const left = this.timeout - (this.#waitingSince === undefined ? 0 : this.#idleTime());
      if (left > 0) this.#check(left);
      else this.reportStall(this.timeout, 'reading the response');
    }).unref();
  }

  #idleTime(): number {
    return this.#waited + (this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince);
  }
}
