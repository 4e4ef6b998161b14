import type { CallOptions } from '@soci/oci';
import { untilAborted } from '../transport/until-aborted.ts';

interface SharedCall<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** Runs one call for all who want the same thing at the same time; each may go before it ends. */
export class SharedCalls<T> {
  readonly #running = new Map<string, SharedCall<T>>();

  /**
   * Waits for the call that is running for `key`, or starts one.
   *
   * @param call - Its signal is aborted when nobody waits for it any more.
   * @throws what the call throws; the reason of the caller's own signal
   */
  async run(key: string, call: (signal: AbortSignal) => Promise<T>, options: CallOptions = {}): Promise<T> {
    options.signal?.throwIfAborted();
    const shared = this.#running.get(key) ?? this.#start(key, call);
    shared.waiting += 1;
    try {
      return await untilAborted(shared.result, options.signal);
    } finally {
      shared.waiting -= 1;
      if (shared.waiting === 0) {
        // Whoever comes next must not join what is being aborted.
        this.#forget(key, shared);
        shared.controller.abort();
      }
    }
  }

  #start(key: string, call: (signal: AbortSignal) => Promise<T>): SharedCall<T> {
    const controller = new AbortController();
    const shared = { result: call(controller.signal), controller, waiting: 0 };
    this.#running.set(key, shared);
    // Once it has ended nobody may join it; and where all have gone nobody else looks at its error.
    const forget = () => this.#forget(key, shared);
    shared.result.then(forget, forget);
    return shared;
  }

  #forget(key: string, shared: SharedCall<T>): void {
    if (this.#running.get(key) === shared) this.#running.delete(key);
  }
}
