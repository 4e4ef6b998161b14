import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import { type BuiltLayer, boundLayer } from './build-layer.ts';
import type { LayerSettings, LayerTask } from './layer-plan.ts';
import type { FromWorker, ToWorker, WorkerFailure } from './layer-worker.ts';

/** Buffers lent to a thread, enough to keep it busy. New ones instead would pile up until the garbage collector runs. */
const BUFFER_COUNT = 8;
const BUFFER_SIZE = 1 << 18;

/** Megabytes for new objects: a layer's entries outlive this space, which V8 would let grow to 48 for nothing. */
const YOUNG_GENERATION_SIZE = 2;

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
const WORKER_URL = new URL(`./layer-worker.${RUNS_FROM_SOURCE ? 'ts' : 'js'}`, import.meta.url);

/** Whether threads can be started: not where a bundler has left the worker's file behind, or Node cannot run its source. */
export function canStartThreads(): boolean {
  if (RUNS_FROM_SOURCE && !process.features.typescript) return false;
  return WORKER_URL.protocol === 'file:' && existsSync(fileURLToPath(WORKER_URL));
}

/** A worker thread that builds zTOCs, one at a time. */
export class LayerThread {
  readonly #worker: Worker;
  /** Told of each message of the thread while a layer is being built. */
  #listener: ((message: FromWorker | Error) => void) | undefined;
  #failure: Error | undefined;
  /** Buffers that are here and empty, and the one that is being filled. */
  readonly #buffers = Array.from({ length: BUFFER_COUNT }, () => new ArrayBuffer(BUFFER_SIZE));
  #open: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  /** Looks again whether there is a buffer, or an answer. */
  #wake: (() => void) | undefined;

  constructor() {
    this.#worker = new Worker(WORKER_URL, {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_SIZE },
      ...(RUNS_FROM_SOURCE && { execArgv: ['--conditions=@soci/source', '--no-warnings'] }),
    });
    this.#worker.on('message', (message: FromWorker) => this.#listener?.(message));
    this.#worker.on('error', (cause) => this.#end(`failed: ${cause.message}`, cause));
    this.#worker.on('exit', (code) => this.#end(`ended with code ${code}`));
  }

  /** Builds one zTOC. @throws SociIndexError as `buildLayer` does, and `WORKER_FAILED`; what `chunks` throws. */
  async build(
    chunks: AsyncIterable<Uint8Array>,
    task: LayerTask,
    settings: LayerSettings,
    onProgress: (progress: LayerProgress) => void,
  ): Promise<BuiltLayer> {
    if (this.#failure !== undefined) throw this.#failure;
    const answer = new Promise<BuiltLayer>((resolve, reject) => {
      this.#listener = (message) => {
        if (message instanceof Error) reject(message);
        else if (message.type === 'built') resolve(message.layer);
        else if (message.type === 'failed') reject(restoreError(message.failure, task));
        else if (message.type === 'progress') onProgress(message.progress);
        else this.#buffers.push(message.buffer);
        this.#wake?.();
      };
    });
    let isOver = false;
    // The answer may be an error that comes while chunks are still awaited; it is looked at below.
    const end = () => {
      isOver = true;
    };
    answer.then(end, end);
    this.#send({ type: 'start', task, settings });
    for await (const chunk of boundLayer(chunks, task)) {
      for (let sent = 0; sent < chunk.length && !isOver; ) sent += await this.#fill(chunk.subarray(sent), () => isOver);
      if (isOver) break;
    }
    this.#flush();
    this.#send({ type: 'end' });
    return answer;
  }

  /** Copies as much of a chunk as there is room for, and sends the buffer when it is full. Returns how much that was. */
  async #fill(chunk: Uint8Array, isOver: () => boolean): Promise<number> {
    while (this.#open === undefined) {
      const buffer = this.#buffers.pop();
      if (buffer !== undefined) this.#open = new Uint8Array(buffer);
      else if (isOver()) return 0;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
    const piece = chunk.subarray(0, this.#open.length - this.#filled);
    this.#open.set(piece, this.#filled);
    this.#filled += piece.length;
    if (this.#filled === this.#open.length) this.#flush();
    return piece.length;
  }

  #flush(): void {
    if (this.#open === undefined) return;
    const { buffer } = this.#open;
    this.#send({ type: 'chunk', bytes: this.#open.subarray(0, this.#filled) }, [buffer]);
    this.#open = undefined;
    this.#filled = 0;
  }

  /** Ends the thread, whatever it is doing. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #end(what: string, cause?: unknown): void {
    this.#failure ??= new SociIndexError('WORKER_FAILED', `a worker thread ${what}`, { cause });
    this.#listener?.(this.#failure);
  }
}

function restoreError({ message, code, cause }: WorkerFailure, { digest }: LayerTask): SociIndexError {
  const original =
    cause && new ZtocError(cause.code, cause.message, cause.offset === undefined ? {} : { offset: cause.offset });
  return new SociIndexError(code ?? 'WORKER_FAILED', message, { digest, ...(original && { cause: original }) });
}
