import type { Socket } from 'node:net';
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

/** Those of a connection, one for each direction. */
interface PacerPair {
  /** Of what the client sends. */
  readonly up?: Pacer;
  /** Of what it is sent. */
  readonly down?: Pacer;
}

/** Both directions at the same rate. */
export function makePacers(bytesPerSecond: number): PacerPair {
  return { up: new Pacer(bytesPerSecond), down: new Pacer(bytesPerSecond) };
}

/** The pacers of connections, which live as long as these. */
export class ConnectionPacers {
  readonly #rate: number | undefined;
  readonly #pacers = new WeakMap<Socket, PacerPair>();

  /** @param rate - Bytes a second and connection; undefined for no limit. */
  constructor(rate: number | undefined) {
    this.#rate = rate;
  }

  of(socket: Socket): PacerPair {
    const found = this.#pacers.get(socket);
    if (found !== undefined || this.#rate === undefined) return found ?? {};
    const made = makePacers(this.#rate);
    this.#pacers.set(socket, made);
    return made;
  }
}
