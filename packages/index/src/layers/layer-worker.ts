import { on } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import { type BuiltLayer, buildLayer } from './build-layer.ts';
import type { LayerSettings, LayerTask } from './layer-plan.ts';

// The body of a worker thread: builds one zTOC after another from bytes that the main thread fetches.

/** What a worker thread is told: a layer starts, its bytes come in buffers lent to it, it ends. One layer at a time. */
export type ToWorker =
  | { readonly type: 'start'; readonly task: LayerTask; readonly settings: LayerSettings }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'end' };

/** What a worker thread tells: a buffer is free again and comes back, progress, and one answer a layer. */
export type FromWorker =
  | { readonly type: 'taken'; readonly buffer: ArrayBuffer }
  | { readonly type: 'progress'; readonly progress: LayerProgress }
  | { readonly type: 'built'; readonly layer: BuiltLayer }
  | { readonly type: 'failed'; readonly failure: WorkerFailure };

/** An error in a form that crosses threads with its code. */
export type WorkerFailure = ReturnType<typeof describeFailure>;

/** Bytes between two progress messages: enough for a smooth bar, few enough to cost nothing. */
const PROGRESS_STEP = 1 << 20;

const port = parentPort;
if (port === null) throw new Error('layer-worker is a worker thread: it is not to be imported');

const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

/** Messages in the order in which they came. */
const inbox = on(port, 'message');

async function receive(): Promise<ToWorker> {
  const { value } = await inbox.next();
  return value[0];
}

async function* receiveChunks(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const message = await receive();
    if (message.type !== 'chunk') return;
    yield message.bytes;
    const { buffer } = message.bytes;
    send({ type: 'taken', buffer }, [buffer]);
  }
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

for (;;) {
  const message = await receive();
  // What is left of a layer that failed half-way.
  if (message.type !== 'start') continue;
  reported = 0;
  try {
    const layer = await buildLayer(receiveChunks(), message.task, message.settings, reportProgress);
    send({ type: 'built', layer }, layer.ztoc.buffer instanceof ArrayBuffer ? [layer.ztoc.buffer] : []);
  } catch (error) {
    send({ type: 'failed', failure: describeFailure(error) });
  }
}
