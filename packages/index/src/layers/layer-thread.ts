import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import { type BuiltLayer, boundLayer, type LayerSettings } from './build-layer.ts';
import type { LayerTask } from './layer-plan.ts';
import type { FromWorker, ToWorker, WorkerFailure } from './worker-messages.ts';

/** Bytes sent to a thread and not taken by it yet: what keeps it busy, and all that waiting layers cost. */
const MAX_BYTES_IN_FLIGHT = 1 << 20;

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

  constructor() {
    this.#worker = new Worker(WORKER_URL, {
      ...(RUNS_FROM_SOURCE && { execArgv: ['--conditions=@soci/source', '--no-warnings'] }),
    });
    this.#worker.on('message', (message: FromWorker) => this.#listener?.(message));
    this.#worker.on('error', (cause) => this.#end(`failed: ${cause.message}`, cause));
    this.#worker.on('exit', (code) => this.#end(`ended with code ${code}`));
  }

  /**
   * Builds the zTOC of one layer.
   *
   * @throws SociIndexError as `buildLayer` does, and `WORKER_FAILED`; what `chunks` throws.
   */
  async build(
    chunks: AsyncIterable<Uint8Array>,
    task: LayerTask,
    settings: LayerSettings,
    onProgress: (progress: LayerProgress) => void,
  ): Promise<BuiltLayer> {
    if (this.#failure !== undefined) throw this.#failure;
    let inFlight = 0;
    let resume: (() => void) | undefined;
    let isOver = false;
    const answer = new Promise<BuiltLayer>((resolve, reject) => {
      this.#listener = (message) => {
        if (message instanceof Error) reject(message);
        else if (message.type === 'built') resolve(message.layer);
        else if (message.type === 'failed') reject(restoreError(message.failure, task));
        else if (message.type === 'progress') onProgress(message.progress);
        else inFlight -= message.bytes;
        isOver = message instanceof Error || message.type === 'built' || message.type === 'failed';
        resume?.();
      };
    });
    // The answer may be an error that comes while chunks are still awaited; it is looked at below.
    answer.catch(() => {});
    this.#send({ type: 'start', task, settings });
    for await (const chunk of boundLayer(chunks, task)) {
      if (isOver) break;
      inFlight += chunk.length;
      this.#send({ type: 'chunk', bytes: chunk }, isWhole(chunk) ? [chunk.buffer] : []);
      while (inFlight > MAX_BYTES_IN_FLIGHT && !isOver) {
        await new Promise<void>((resolve) => {
          resume = resolve;
        });
      }
    }
    this.#send({ type: 'end' });
    return answer;
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

/** Whether a chunk is all of its buffer, so that the buffer can be given away without taking anything else along. */
function isWhole(chunk: Uint8Array): chunk is Uint8Array<ArrayBuffer> {
  return chunk.buffer instanceof ArrayBuffer && chunk.byteLength === chunk.buffer.byteLength;
}

function restoreError({ message, code, cause }: WorkerFailure, { digest }: LayerTask): SociIndexError {
  const original =
    cause && new ZtocError(cause.code, cause.message, cause.offset === undefined ? {} : { offset: cause.offset });
  return new SociIndexError(code ?? 'WORKER_FAILED', message, { digest, ...(original && { cause: original }) });
}
