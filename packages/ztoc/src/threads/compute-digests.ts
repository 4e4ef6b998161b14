import type { Hash } from 'node:crypto';
import type { AHEAD_LAYOUT, AheadMemory, createBlockDecoder } from './decode-blocks.ts';
import type { CONTROL, DigestReply, OPERATION_WORDS, OPERATIONS, SharedDigestMemory } from './digest-job.ts';

/** Message to the thread: a layer, or `undefined` to exit. */
export type DigestTask =
  | (SharedDigestMemory & {
      readonly ahead: AheadMemory;
      /** Memory of the inflater. */
      readonly output: Uint8Array<SharedArrayBuffer> | undefined;
      readonly operations: typeof OPERATIONS;
      readonly positions: typeof CONTROL;
      readonly operationWords: typeof OPERATION_WORDS;
    })
  | undefined;

/** What the thread receives when it starts. */
export interface DigestWorkerData {
  /** The inflate kernel, with a shared memory. */
  readonly kernel: WebAssembly.Module;
  readonly layout: typeof AHEAD_LAYOUT;
}

/** First message from the thread. */
export interface DigestThreadLoaded {
  /** Memory with the output of blocks that are decoded ahead. */
  readonly aheadOutput: SharedArrayBuffer;
}

/**
 * Code of the thread that computes digests, and decodes blocks ahead when its queue is empty. It runs from its source
 * text, so that bundles need no second file. It therefore uses nothing outside of this function.
 *
 * @param require Loads modules of Node.js.
 * @param createDecoder Creates the decoder.
 */
export function computeDigests(require: NodeJS.Require, createDecoder: typeof createBlockDecoder): void {
  const { parentPort, workerData } = require('node:worker_threads') as typeof import('node:worker_threads');
  const { createHash } = require('node:crypto') as typeof import('node:crypto');
  const { crc32 } = require('node:zlib') as typeof import('node:zlib');

  const { kernel, layout } = workerData as DigestWorkerData;
  const decoder = createDecoder(kernel, layout);
  const decoded = new Uint8Array(decoder.memory);

  parentPort?.on('message', (task: DigestTask) => {
    if (task === undefined) {
      parentPort.close();
      return;
    }
    const { control, queue, ring, output, ahead, operations, positions, operationWords } = task;
    const layer = createHash('sha256');
    const spans: Uint8Array[] = [];
    let span: Hash | undefined;
    let crc = 0;
    let mismatch: DigestReply['mismatch'];
    let error: string | undefined;
    let isDecoding = false;
    for (let finished = 0; ; ) {
      while (Atomics.load(control, positions.requested) === finished) {
        if (!isDecoding) Atomics.wait(control, positions.requested, finished);
        else {
          try {
            isDecoding = decoder.step();
          } catch (cause) {
            isDecoding = false;
            error = String(cause);
          }
        }
      }
      const at = ((finished >>> 0) % (queue.length / operationWords)) * operationWords;
      const operation = queue[at] as number;
      const first = queue[at + 1] as number;
      const second = queue[at + 2] as number;
      try {
        if (mismatch !== undefined || error !== undefined) {
          // Nothing after the first fault matters.
        } else if (operation === operations.layer || operation === operations.span) {
          const hash = operation === operations.layer ? layer : span;
          hash?.update(ring.subarray(first, first + second));
          if (first + second > ring.length) hash?.update(ring.subarray(0, first + second - ring.length));
        } else if (operation === operations.output) {
          crc = crc32((output as Uint8Array).subarray(first, first + second), crc);
        } else if (operation === operations.decodedOutput) {
          crc = crc32(decoded.subarray(first, first + second), crc);
        } else if (operation === operations.decodeAhead) {
          decoder.begin(ahead, ring, queue[at + 3] as number, first, second);
          isDecoding = true;
        } else if (operation === operations.endMember || operation === operations.endMemberOfWrongLength) {
          const offset = (second >>> 0) + (queue[at + 3] as number) * 2 ** 32;
          if (crc !== first >>> 0) mismatch = { offset, field: 'the CRC-32' };
          else if (operation === operations.endMemberOfWrongLength) mismatch = { offset, field: 'the length' };
          crc = 0;
        } else {
          if (span !== undefined) spans.push(span.digest());
          span = operation === operations.beginSpan ? createHash('sha256') : undefined;
        }
      } catch (cause) {
        error = String(cause);
      }
      if (mismatch !== undefined || error !== undefined) Atomics.store(control, positions.hasFault, 1);
      finished = (finished + 1) | 0;
      Atomics.store(control, positions.finished, finished);
      Atomics.notify(control, positions.finished);
      if (operation === operations.end) break;
    }
    const faults = { ...(mismatch && { mismatch }), ...(error !== undefined && { error }) };
    parentPort.postMessage({ layer: layer.digest(), spans, ...faults } satisfies DigestReply);
  });
  parentPort?.postMessage({ aheadOutput: decoder.memory } satisfies DigestThreadLoaded);
}
