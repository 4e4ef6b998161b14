import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SecondThread } from '../build/build-ztoc.ts';
import type { LayerHash } from '../build/layer-digests.ts';
import type { DeflateStream } from '../inflate/deflate-stream.ts';
import { sharedKernelModule } from '../inflate/inflater.ts';
import { runThread, type ThreadStart } from './run-thread.ts';
import { ThreadChannel } from './thread-channel.ts';
import { ThreadInflater } from './thread-inflater.ts';
import { THREAD_LAYOUT, THREAD_SIZES, type ThreadMemory, type ThreadSizes } from './thread-memory.ts';

/** Limits of the heap of the thread, in MB. It has few objects. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 256 };

/**
 * Starts a thread that decompresses a gzip layer while the calling thread hashes it and reads its entries: see the option
 * `thread` of `buildZtoc`. It needs about 15 MB of memory.
 *
 * @returns The thread, or `undefined` if this program cannot start one: the caller then builds without it. Close it after
 *   the last build; otherwise it keeps the process running.
 */
export function startSecondThread(): Promise<ClosableSecondThread | undefined> {
  return startThreadOf(THREAD_SIZES);
}

/** A {@link SecondThread} of this process. */
export interface ClosableSecondThread extends SecondThread {
  /** Ends the thread, after the current build. */
  close(): Promise<void>;
}

/** Starts a thread with buffers of other sizes. */
export async function startThreadOf(sizes: ThreadSizes): Promise<ClosableSecondThread | undefined> {
  let worker: Worker | undefined;
  try {
    worker = new Worker(`(${runThread})(require)`, {
      eval: true,
      workerData: { kernel: sharedKernelModule(), layout: THREAD_LAYOUT, sizes } satisfies ThreadStart,
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
      env: {},
    });
    const [memory]: (ThreadMemory | number)[] = await Promise.race([once(worker, 'message'), once(worker, 'exit')]);
    if (typeof memory === 'object') return new WorkerSecondThread(worker, new ThreadChannel(memory, sizes.ring));
  } catch {
    await worker?.terminate();
  }
  return undefined;
}

class WorkerSecondThread implements ClosableSecondThread {
  readonly #worker: Worker;
  readonly #channel: ThreadChannel;

  constructor(worker: Worker, channel: ThreadChannel) {
    this.#worker = worker;
    this.#channel = channel;
    worker.on('error', (error) => this.#fail(error.message));
    worker.on('exit', (code) => this.#fail(`it exited with code ${code}`));
  }

  inflate(): DeflateStream {
    return new ThreadInflater(this.#channel);
  }

  hash(): LayerHash {
    return new ThreadHash(this.#channel);
  }

  async close(): Promise<void> {
    if (this.#channel.failure !== undefined) return;
    const exit = once(this.#worker, 'exit');
    Atomics.store(this.#channel.memory.control, THREAD_LAYOUT.isClosing, 1);
    this.#channel.signal();
    await exit;
  }

  #fail(reason: string): void {
    this.#channel.failure ??= reason;
  }
}

/** SHA-256 of a layer in another thread. */
class ThreadHash implements LayerHash {
  readonly #channel: ThreadChannel;
  #isClosed = false;

  constructor(channel: ThreadChannel) {
    this.#channel = channel;
    channel.begin(THREAD_LAYOUT.hash);
  }

  update(bytes: Uint8Array): void {
    const channel = this.#channel;
    for (let at = 0; at < bytes.length; ) {
      const count = channel.feed(bytes, at, this.#hashed);
      at += count;
      if (count === 0) channel.waitFor(() => channel.fed - this.#hashed < channel.ringSize);
    }
  }

  digest(): Uint8Array {
    this.close();
    this.#channel.throwIfFailed();
    return this.#channel.memory.digest.slice();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.end();
  }

  get #hashed(): number {
    const { fed, memory } = this.#channel;
    return fed - ((fed - Atomics.load(memory.control, THREAD_LAYOUT.hashed)) | 0);
  }
}
