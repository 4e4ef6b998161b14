import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { DigestThread } from '../build/build-ztoc.ts';
import type { LayerDigests } from '../build/layer-digests.ts';
import { sharedKernelModule } from '../inflate/inflater.ts';
import { computeDigests, type DigestTask, type DigestThreadLoaded, type DigestWorkerData } from './compute-digests.ts';
import { AHEAD_LAYOUT, createBlockDecoder } from './decode-blocks.ts';
import {
  CONTROL,
  createDigestMemory,
  type DigestChannel,
  DigestJob,
  type DigestReply,
  OPERATION_WORDS,
  OPERATIONS,
} from './digest-job.ts';

/** Limits of the heap of the thread, in MB. It only has a few objects for each span. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 256 };

/**
 * Starts a thread that computes the SHA-256 digests and CRC-32 checksums of a layer while the calling thread decompresses
 * it, and decompresses members ahead if there are several: see the option `thread` of `buildZtoc`. It needs up to 16 MB of memory for each build in addition to its own 10 MB.
 *
 * @returns The thread, or `undefined` if this program cannot start one: the caller then builds without it. Close it after
 *   the last build; otherwise it keeps the process running.
 */
export async function startDigestThread(): Promise<ClosableDigestThread | undefined> {
  let worker: Worker | undefined;
  try {
    worker = new Worker(`(${computeDigests})(require, ${createBlockDecoder})`, {
      eval: true,
      workerData: { kernel: sharedKernelModule(), layout: AHEAD_LAYOUT } satisfies DigestWorkerData,
      resourceLimits: RESOURCE_LIMITS,
      execArgv: [],
      env: {},
    });
    const [loaded]: (DigestThreadLoaded | number)[] = await Promise.race([
      once(worker, 'message'),
      once(worker, 'exit'),
    ]);
    return typeof loaded === 'object' ? new WorkerDigestThread(worker, loaded) : undefined;
  } catch {
    await worker?.terminate();
    return undefined;
  }
}

/** A {@link DigestThread} of this process. */
export interface ClosableDigestThread extends DigestThread {
  /** Ends the thread, after the current build. */
  close(): Promise<void>;
}

class WorkerDigestThread implements ClosableDigestThread, DigestChannel {
  readonly memory = createDigestMemory();
  readonly aheadOutput: Uint8Array<SharedArrayBuffer>;
  readonly #worker: Worker;
  #isBusy = false;
  failure: string | undefined;
  #resolve: ((reply: DigestReply) => void) | undefined;

  constructor(worker: Worker, { aheadOutput }: DigestThreadLoaded) {
    this.aheadOutput = new Uint8Array(aheadOutput);
    this.#worker = worker;
    worker.on('message', (reply: DigestReply) => this.#finish(reply));
    worker.on('error', (error) => this.#fail(error.message));
    worker.on('exit', (code) => this.#fail(`it exited with code ${code}`));
  }

  begin(): LayerDigests {
    if (this.#isBusy)
      throw new Error('the thread computes the digests of another layer: start one thread for each build');
    if (this.failure !== undefined) throw new Error(`the thread that computes digests has ended: ${this.failure}`);
    this.#isBusy = true;
    return new DigestJob(this);
  }

  start(output: SharedArrayBuffer | undefined): void {
    const task: DigestTask = {
      ...this.memory,
      output: output && new Uint8Array(output),
      operations: OPERATIONS,
      positions: CONTROL,
      operationWords: OPERATION_WORDS,
    };
    this.#worker.postMessage(task);
  }

  reply(): Promise<DigestReply> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      if (this.failure !== undefined) this.#fail(this.failure);
    });
  }

  async close(): Promise<void> {
    if (this.failure !== undefined) return;
    const exit = once(this.#worker, 'exit');
    this.#worker.postMessage(undefined satisfies DigestTask);
    await exit;
  }

  #finish(reply: DigestReply): void {
    this.#isBusy = false;
    this.#resolve?.(reply);
    this.#resolve = undefined;
  }

  #fail(reason: string): void {
    this.failure ??= reason;
    this.#finish({ layer: new Uint8Array(0), spans: [], error: this.failure });
  }
}
