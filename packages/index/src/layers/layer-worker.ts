import { parentPort } from 'node:worker_threads';
import { ZtocError } from '@soci/ztoc';
import { SociIndexError } from '../errors.ts';
import type { LayerProgress } from '../progress.ts';
import { buildLayer } from './build-layer.ts';
import type { FromWorker, ToWorker, WorkerFailure } from './worker-messages.ts';

// The body of a worker thread: builds one zTOC after another from bytes that the main thread fetches.

/** Bytes between two progress messages: enough for a smooth bar, few enough to cost nothing. */
const PROGRESS_STEP = 1 << 20;

const port = parentPort;
if (port === null) throw new Error('layer-worker is a worker thread: it is not to be imported');

const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

/** Messages that came and are not taken yet, and the reader that waits for one. */
const inbox: ToWorker[] = [];
let wake: (() => void) | undefined;
port.on('message', (message: ToWorker) => {
  inbox.push(message);
  wake?.();
});

async function receive(): Promise<ToWorker> {
  for (;;) {
    const message = inbox.shift();
    if (message !== undefined) return message;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
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

function describeFailure(error: unknown): WorkerFailure {
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
