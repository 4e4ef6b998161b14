import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionPool } from './function-pool.ts';
import {
  type AbandonedEvent,
  type Invocation,
  type InvokeAnswer,
  invokeAnswerOf,
  outcomeOf,
  type Payload,
} from './invocation.ts';

/** How often an event is tried. @see AWS Lambda Developer Guide, "Error handling for asynchronous invocation" */
const MAX_ATTEMPTS = 3;

/** An invocation that is over, and what its caller gets. */
interface Dispatched {
  readonly invocation: Invocation;
  readonly answer: InvokeAnswer;
}

/** Has functions run, keeps account of that, and tries again what has failed. */
export class Dispatcher {
  readonly invocations: Invocation[] = [];
  readonly abandoned: AbandonedEvent[] = [];
  readonly #retryDelay: number;
  readonly #listeners = new Set<(invocation: Invocation) => void>();
  readonly #stop = new AbortController();
  /** Invocations and events that are not over. */
  #pending = 0;
  #onIdle: (() => void)[] = [];

  constructor(retryDelay: number) {
    this.#retryDelay = retryDelay;
  }

  /** Runs a function for a caller that waits. @throws TestAwsError `STOPPED` */
  async invoke(pool: FunctionPool, payload: Payload): Promise<Dispatched> {
    this.#pending += 1;
    try {
      return await this.#run(pool, payload, { requestId: randomUUID(), type: 'RequestResponse', attempt: 1 });
    } finally {
      this.#settle();
    }
  }

  /** Leaves an event for a function. @returns Its request id. */
  enqueue(pool: FunctionPool, payload: Payload): string {
    const requestId = randomUUID();
    this.#pending += 1;
    this.#deliver(pool, payload, requestId)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) throw error; // A listener's. When it stops, events are forgotten.
      })
      .finally(() => this.#settle());
    return requestId;
  }

  /** Resolves when all is over. */
  async idle(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Listens to what is to come. @returns Ends it. */
  listen(listener: (invocation: Invocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tries nothing again from here on. */
  stop(): void {
    this.#stop.abort();
  }

  async #deliver(pool: FunctionPool, payload: Payload, requestId: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const { invocation } = await this.#run(pool, payload, { requestId, type: 'Event', attempt });
      const { functionName, outcome } = invocation;
      if (outcome.status === 'success') return;
      if (attempt === MAX_ATTEMPTS) {
        this.abandoned.push({ functionName, requestId, payload: payload.value, attempts: attempt, outcome });
        return;
      }
      await sleep(this.#retryDelay, undefined, { signal: this.#stop.signal });
    }
  }

  async #run(
    pool: FunctionPool,
    payload: Payload,
    facts: Pick<Invocation, 'requestId' | 'type' | 'attempt'>,
  ): Promise<Dispatched> {
    const { end, ...measured } = await pool.run(facts.requestId, payload.text);
    const { name: functionName, timeout } = pool.settings;
    const invocation = { functionName, ...facts, payload: payload.value, outcome: outcomeOf(end), ...measured };
    this.invocations.push(invocation);
    for (const listener of this.#listeners) listener(invocation);
    return { invocation, answer: invokeAnswerOf(end, facts.requestId, timeout) };
  }

  #settle(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
  }
}
