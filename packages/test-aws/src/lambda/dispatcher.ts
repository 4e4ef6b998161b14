import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionPool } from './function-pool.ts';
import {
  type AbandonedEvent,
  type Invocation,
  type InvokeResponse,
  invokeResponseOf,
  outcomeOf,
  type Payload,
} from './invocation.ts';

/** Number of attempts for an event. @see AWS Lambda Developer Guide, "Error handling for asynchronous invocation" */
const MAX_ATTEMPTS = 3;

/** A finished invocation, and the response for its caller. */
interface FinishedInvocation {
  readonly invocation: Invocation;
  readonly response: InvokeResponse;
}

/** Runs functions, records invocations, and retries failed events. */
export class Dispatcher {
  readonly invocations: Invocation[] = [];
  readonly abandoned: AbandonedEvent[] = [];
  readonly #retryDelay: number;
  readonly #listeners = new Set<(invocation: Invocation) => void>();
  readonly #stop = new AbortController();
  /** Number of unfinished invocations and events. */
  #pending = 0;
  #onIdle: (() => void)[] = [];

  constructor(retryDelay: number) {
    this.#retryDelay = retryDelay;
  }

  /** Invokes a function synchronously. @throws TestAwsError `STOPPED` */
  async invoke(pool: FunctionPool, payload: Payload): Promise<FinishedInvocation> {
    this.#pending += 1;
    try {
      return await this.#run(pool, payload, { requestId: randomUUID(), type: 'RequestResponse', attempt: 1 });
    } finally {
      this.#settle();
    }
  }

  /** Invokes a function asynchronously. @returns The request id. */
  enqueue(pool: FunctionPool, payload: Payload): string {
    const requestId = randomUUID();
    this.#pending += 1;
    this.#deliver(pool, payload, requestId)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) throw error; // An error of a listener. After stop, pending events are dropped.
      })
      .finally(() => this.#settle());
    return requestId;
  }

  /** Resolves when all invocations and events are finished. */
  async idle(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Adds a listener for further invocations. @returns A function that removes it. */
  listen(listener: (invocation: Invocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops retries. */
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
    attributes: Pick<Invocation, 'requestId' | 'type' | 'attempt'>,
  ): Promise<FinishedInvocation> {
    const { end, ...measured } = await pool.run(attributes.requestId, payload.text);
    const { name: functionName, timeout } = pool.settings;
    const invocation = { functionName, ...attributes, payload: payload.value, outcome: outcomeOf(end), ...measured };
    this.invocations.push(invocation);
    for (const listener of this.#listeners) listener(invocation);
    return { invocation, response: invokeResponseOf(end, attributes.requestId, timeout) };
  }

  #settle(): void {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
  }
}
