import { setTimeout as sleep } from 'node:timers/promises';

/** What a timer may be late, in milliseconds, and still be made up for. */
const MAX_LATENESS = 100;

/** Pieces are as large as what may go in so many milliseconds. */
const STEP = 10;

/** Holds one direction of a connection to a rate. It keeps to a timetable, so that late timers do not add up. */
export class Pacer {
  /** Bytes to hand over at a time. */
  readonly step: number;
  readonly #bytesPerMs: number;
  #next = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.step = Math.max(1, Math.min(1 << 20, Math.round(this.#bytesPerMs * STEP)));
  }

  /** Begins a body: time in which nothing was sent is not made up for. */
  begin(): void {
    this.#next = Math.max(this.#next, performance.now());
  }

  /** Waits as long as `bytes` take. */
  async spend(bytes: number): Promise<void> {
    const now = performance.now();
    this.#next = Math.max(this.#next, now - MAX_LATENESS) + bytes / this.#bytesPerMs;
    if (this.#next - now >= 1) await sleep(this.#next - now);
  }
}

/** Those of a connection: of what the client sends, and of what it is sent; none without a limit. */
export interface PacerPair {
  readonly up?: Pacer;
  readonly down?: Pacer;
}

/** Both directions at the same rate. */
export function makePacers(bytesPerSecond: number | undefined): PacerPair {
  if (bytesPerSecond === undefined) return {};
  return { up: new Pacer(bytesPerSecond), down: new Pacer(bytesPerSecond) };
}
