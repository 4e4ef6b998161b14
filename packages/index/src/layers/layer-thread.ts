import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import type { BuiltLayer } from './build-layer.ts';
import type { LayerSettings, LayerTask } from './layer-plan.ts';
import type { FromWorker, ToWorker, WorkerFailure } from './layer-worker.ts';

/** Bytes that wait for a thread, enough to keep it busy: 2 MiB. */
const MAX_WAITING = 1 << 21;

/** Chunks of less than 64 KiB are joined to 256 KiB, because each message costs CPU time. */
const MIN_MESSAGE_SIZE = 1 << 16;
const BUFFER_SIZE = 1 << 18;

/** Size of the young generation in MB. The entries of a layer are long-lived, so the default of 48 MB wastes memory. */
const YOUNG_GENERATION_SIZE = 2;

/** Bundlers that write CommonJS leave `import.meta.url` undefined. */
const RUNS_FROM_SOURCE = import.meta.url?.endsWith('.ts');

/**
 * Starts threads. Returns none if they cannot load their script: a bundle may lack it, or Node cannot run TypeScript.
 */
export async function startThreads(count: number): Promise<readonly LayerThread[]> {
  if (RUNS_FROM_SOURCE && !process.features.typescript) return [];
  const threads: LayerThread[] = [];
  try {
    while (threads.length < count) threads.push(new LayerThread(startWorker()));
    await Promise.all(threads.map(({ loaded }) => loaded));
    return threads;
  } catch {
    await Promise.all(threads.map((thread) => thread.terminate()));
    return [];
  }
}

function startWorker(): Worker {
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_SIZE };
  if (RUNS_FROM_SOURCE) {
    const script = new URL(import.meta.url.replace('layer-thread', 'layer-worker'));
    return new Worker(script, { resourceLimits, execArgv: ['--conditions=@soci/source', '--no-warnings'] });
  }
  // webpack looks for exactly this expression, and bundles the script.
  return new Worker(new URL('./layer-worker.js', import.meta.url), { resourceLimits });
}

/** A worker thread that builds zTOCs, one at a time. */
export class LayerThread {
  /** Fulfilled when the thread has loaded its script, rejected if it cannot. */
  readonly loaded: Promise<void>;
  readonly #worker: Worker;
  /** Receives messages of the thread while a layer is being built. */
  #listener: ((message: FromWorker | Error) => void) | undefined;
  #failure: Error | undefined;
  /** Bytes that were sent and that the thread has not released. */
  #waiting = 0;
  /** Buffer that is being filled. */
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  /** Resumes `#waitForRoom` after a message from the thread. */
  #wake: (() => void) | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.loaded = promise;
    promise.catch(() => {}); // if a later thread cannot be created, nothing waits for this one
    this.#listener = (message) => (message instanceof Error ? reject(message) : resolve());
    worker.on('message', (message: FromWorker) => this.#listener?.(message));
    worker.on('error', (cause) => this.#fail(`failed: ${cause.message}`, cause));
    worker.on('exit', (code) => this.#fail(`exited with code ${code}`));
  }

  /**
   * Builds one zTOC. Sends large chunks to the thread without copying them, if `ownsChunks` says that nothing else uses them.
   *
   * @throws SociIndexError as in `buildLayer`, and `WORKER_FAILED`; errors of `chunks`.
   */
  async build(
    chunks: AsyncIterable<Uint8Array>,
    task: LayerTask,
    settings: LayerSettings,
    onProgress: (progress: LayerProgress) => void,
    ownsChunks: boolean,
  ): Promise<BuiltLayer> {
    if (this.#failure !== undefined) throw this.#failure;
    const result = new Promise<BuiltLayer>((resolve, reject) => {
      this.#listener = (message) => {
        if (message instanceof Error) reject(message);
        else if (message.type === 'built') resolve(message.layer);
        else if (message.type === 'failed') reject(restoreError(message.failure, task));
        else if (message.type === 'progress') onProgress(message.progress);
        else if (message.type === 'released') this.#waiting -= message.size;
        this.#wake?.();
      };
    });
    let isDone = false;
    // The thread may fail while chunks are still being read. The error is thrown below.
    const end = () => {
      isDone = true;
    };
    result.then(end, end);
    this.#send({ type: 'start', task, settings });
    try {
      for await (const chunk of chunks) {
        if (ownsChunks && isWholeBuffer(chunk)) await this.#pass(chunk, () => isDone);
        else await this.#copy(chunk, () => isDone);
        if (isDone) break;
      }
    } catch (error) {
      this.#end();
      // The thread fails, too. Afterwards it can build another layer.
      await result.catch(() => {});
      throw error;
    }
    this.#end();
    return result;
  }

  /** Sends the last chunk and the end of a layer. */
  #end(): void {
    this.#flush();
    this.#send({ type: 'end' });
  }

  /** Sends a chunk with its memory. */
  async #pass(chunk: Uint8Array<ArrayBuffer>, isDone: () => boolean): Promise<void> {
    this.#flush();
    await this.#waitForRoom(isDone);
    if (!isDone()) this.#sendChunk(chunk);
  }

  /** Copies a chunk, and sends each buffer that is full. */
  async #copy(chunk: Uint8Array, isDone: () => boolean): Promise<void> {
    for (let copied = 0; copied < chunk.length; ) {
      if (this.#buffer === undefined) await this.#waitForRoom(isDone);
      if (isDone()) return;
      this.#buffer ??= new Uint8Array(Buffer.allocUnsafeSlow(BUFFER_SIZE).buffer);
      const part = chunk.subarray(copied, copied + BUFFER_SIZE - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      copied += part.length;
      if (this.#filled === BUFFER_SIZE) this.#flush();
    }
  }

  /** Sends the buffer, if there is one. */
  #flush(): void {
    if (this.#buffer !== undefined) this.#sendChunk(this.#buffer.subarray(0, this.#filled));
    this.#buffer = undefined;
    this.#filled = 0;
  }

  #sendChunk(bytes: Uint8Array<ArrayBuffer>): void {
    this.#waiting += bytes.length;
    this.#send({ type: 'chunk', bytes }, [bytes.buffer]);
  }

  async #waitForRoom(isDone: () => boolean): Promise<void> {
    while (this.#waiting >= MAX_WAITING && !isDone()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Asks an idle thread to exit. Unlike this, `terminate` can crash Node if the thread uses WebAssembly. */
  async close(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#send({ type: 'close' });
    await once(this.#worker, 'exit');
  }

  /** Terminates the thread, even if it is busy. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #fail(what: string, cause?: unknown): void {
    this.#failure ??= new SociIndexError('WORKER_FAILED', `a worker thread ${what}`, { cause });
    this.#listener?.(this.#failure);
  }
}

/** Reports whether a chunk is worth a message and is all of its memory, which then moves to the thread. */
function isWholeBuffer(chunk: Uint8Array): chunk is Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = chunk;
  return byteLength >= MIN_MESSAGE_SIZE && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
}

function restoreError({ message, code, cause }: WorkerFailure, { digest }: LayerTask): SociIndexError {
  const original =
    cause && new ZtocError(cause.code, cause.message, cause.offset === undefined ? {} : { offset: cause.offset });
  return new SociIndexError(code ?? 'WORKER_FAILED', message, { digest, ...(original && { cause: original }) });
}
