import { on } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import { type BuiltLayer, buildLayer } from './build-layer.ts';
import type { LayerSettings, LayerTask } from './layer-plan.ts';

// Code of a worker thread that builds zTOCs, one at a time, from bytes that the main thread fetches.

/** Message to a worker thread: start of a layer, a chunk of its bytes, its end, or a request to exit. */
export type ToWorker =
  | { readonly type: 'start'; readonly task: LayerTask; readonly settings: LayerSettings }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'end' }
  | { readonly type: 'close' };

/** Message from a worker thread: its script is loaded, a chunk is consumed, progress, or the result of a layer. */
export type FromWorker =
  | { readonly type: 'loaded' }
  | { readonly type: 'released'; readonly size: number }
  | { readonly type: 'progress'; readonly progress: LayerProgress }
  | { readonly type: 'built'; readonly layer: BuiltLayer }
  | { readonly type: 'failed'; readonly failure: WorkerFailure };

/** An error as plain data that can be sent between threads. */
export type WorkerFailure = ReturnType<typeof describeFailure>;

/** Minimum bytes between two progress messages. */
const PROGRESS_STEP = 1 << 20;

const port = parentPort;
if (port === null) throw new Error('layer-worker must run in a worker thread');

const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

/** Messages in order of arrival. */
const inbox = on(port, 'message');

async function receive(): Promise<ToWorker> {
  const { value } = await inbox.next();
  return value[0];
}

async function* receiveChunks(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const message = await receive();
    if (message.type !== 'chunk') return;
    try {
      yield message.bytes;
    } finally {
      release(message.bytes);
    }
  }
}

/** Frees the memory of a chunk. Otherwise chunks would accumulate until garbage collection. */
function release({ buffer, length: size }: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0);
  send({ type: 'released', size });
}

function describeFailure(error: unknown) {
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    message: error instanceof Error ? error.message : String(error),
    code: error instanceof SociIndexError ? error.code : undefined,
    cause: cause instanceof ZtocError ? { code: cause.code, message: cause.message, offset: cause.offset } : undefined,
  };
}

let reported = 0;
function reportProgress(progress: LayerProgress): void {
  if (progress.bytes - reported < PROGRESS_STEP) return;
  reported = progress.bytes;
  send({ type: 'progress', progress });
}

// A function, because CommonJS bundles cannot contain top-level await.
async function run(port: MessagePort): Promise<void> {
  send({ type: 'loaded' });
  for (;;) {
    const message = await receive();
    if (message.type === 'close') return port.close();
    // Skip remaining messages of a layer that failed.
    if (message.type === 'chunk') release(message.bytes);
    if (message.type !== 'start') continue;
    reported = 0;
    try {
      const layer = await buildLayer(receiveChunks(), message.task, message.settings, reportProgress);
      const buffers = [layer.ztoc, layer.candidates?.checkpoints].map((bytes) => bytes?.buffer);
      send(
        { type: 'built', layer },
        buffers.filter((buffer) => buffer instanceof ArrayBuffer),
      );
    } catch (error) {
      send({ type: 'failed', failure: describeFailure(error) });
    }
  }
}

void run(port);
