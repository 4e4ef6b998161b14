import type { CallOptions } from '@soci/oci';

/**
 * Waits for `result`, or until `signal` is aborted. Aborting does not stop the work, which others may wait for.
 *
 * @throws the signal's reason
 */
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

/** Deduplicates concurrent calls: callers with the same key share one call. Each caller can abort independently. */
export class SharedCalls<T> {
  readonly #running = new Map<string, SharedCall<T>>();

  /**
   * Waits for the running call of `key`, or starts one.
   *
   * @param call - Its signal is aborted when no caller waits any more.
   * @throws The error of the call; the reason of the caller's signal
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
        // A later caller must not join a call that is being aborted.
        this.#forget(key, shared);
        shared.controller.abort();
      }
    }
  }

  #start(key: string, call: (signal: AbortSignal) => Promise<T>): SharedCall<T> {
    const controller = new AbortController();
    const shared = { result: call(controller.signal), controller, waiting: 0 };
    this.#running.set(key, shared);
    // A finished call must not be joined. This also handles its rejection if all callers have aborted.
    const forget = () => this.#forget(key, shared);
    shared.result.then(forget, forget);
    return shared;
  }

  #forget(key: string, shared: SharedCall<T>): void {
    if (this.#running.get(key) === shared) this.#running.delete(key);
  }
}

/** Runs tasks with the same key one after the other. */
export class KeyedMutex {
  /** The last task of each key. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `task` when all earlier tasks of `key` have settled. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const previous = this.#last.get(key);
    const current = (async () => {
      await previous?.catch(() => {});
      return task();
    })();
    this.#last.set(key, current);
    try {
      return await current;
    } finally {
      if (this.#last.get(key) === current) this.#last.delete(key);
    }
  }
}

/**
 * Yields `map` of each item, in the order of the items, with at most `concurrency` calls at a time. If one fails, or the
 * consumer stops, no further call is started.
 */
export async function* mapConcurrently<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  concurrency: number,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = map(item);
      // It is awaited later. Until then, a failure must not end the process.
      result.catch(() => {});
      running.push(result);
      if (running.length >= concurrency) yield await (running.shift() as Promise<Result>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(running);
  }
}
