import type { CallOptions } from '@soci/oci';

/** Waits for a result that others wait for too: who gives up goes, and what makes it goes on. @throws the signal's reason */
export function abortable<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

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
      return await abortable(shared.result, options.signal);
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

/** Lets work of the same name run one after the other. */
export class KeyedMutex {
  /** The end of the last work of each name. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all work of that name before it has ended, however it did. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const turn = (async () => {
      await before?.catch(() => {});
      return work();
    })();
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}
