import { setTimeout as sleep } from 'node:timers/promises';

/** Maximum timer delay that is compensated, in milliseconds. */
const MAX_LATENESS = 100;

/** Duration of a step, in milliseconds. */
const STEP = 10;

/** Limits one direction of a connection to a rate. Follows a schedule, so that timer delays do not accumulate. */
export class Pacer {
  /** Bytes per step. */
  readonly step: number;
  readonly #bytesPerMs: number;
  #next = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.step = Math.max(1, Math.min(1 << 20, Math.round(this.#bytesPerMs * STEP)));
  }

  /** Starts a body. Idle time before it is not compensated. */
  begin(): void {
    this.#next = Math.max(this.#next, performance.now());
  }

  /** Waits until `bytes` may be sent. */
  async spend(bytes: number): Promise<void> {
    const now = performance.now();
    this.#next = Math.max(this.#next, now - MAX_LATENESS) + bytes / this.#bytesPerMs;
    if (this.#next - now >= 1) await sleep(this.#next - now);
  }
}

/** The pacers of a connection, for requests and responses; none without a limit. */
export interface PacerPair {
  readonly up?: Pacer;
  readonly down?: Pacer;
}

/** Returns pacers for both directions at the same rate. */
export function makePacers(bytesPerSecond: number | undefined): PacerPair {
  if (bytesPerSecond === undefined) return {};
  return { up: new Pacer(bytesPerSecond), down: new Pacer(bytesPerSecond) };
}
