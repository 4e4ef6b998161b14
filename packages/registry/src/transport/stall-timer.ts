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
