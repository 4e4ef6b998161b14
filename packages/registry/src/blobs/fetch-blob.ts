import type { FetchOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { releaseMemory } from '../transport/response-body.ts';
import { ParallelReader } from './parallel-reader.ts';
import type { RemoteBlob } from './remote-blob.ts';
import { streamRange } from './stream-range.ts';
import { ThroughputMeter } from './throughput-meter.ts';

/** Bytes that are read over the first connection while the first parts are on their way: 4 MiB. */
const LEAD = 1 << 22;

/**
 * Yields a blob at the pace of its consumer. Starts with one connection. If the consumer then waits for the network
 * most of the time, continues with several concurrent range requests.
 *
 * Checks the size of the blob. The consumer must check the digest.
 */
export async function* fetchBlob(blob: RemoteBlob, options: FetchOptions = {}): ByteStream {
  const { readAhead } = blob.options;
  readAhead?.open();
  try {
    yield* fetchParts(blob, options);
  } finally {
    readAhead?.close();
  }
}

async function* fetchParts(blob: RemoteBlob, options: FetchOptions): ByteStream {
  const parts = new ParallelReader(blob, options);
  let position = 0;
  try {
    position = yield* readUntilNetworkBound(blob, parts, options);
    for await (const chunk of parts.read()) {
      position += chunk.length;
      yield chunk;
      if (options.reuseChunks) releaseMemory(chunk);
    }
  } catch (error) {
    // A part failed because the registry does not support ranges (position is 0 before the first part): read the rest
    // over one connection.
    if (position === 0 || !isUnsupported(error)) throw error;
  } finally {
    await parts.close();
  }
  if (position === blob.size) return;
  const rest = { offset: position, length: blob.size - position };
  yield* streamRange(blob, rest, { maxSkip: blob.size, ...options });
}

/**
 * Reads over one connection until the end of the blob, or until the consumer is network-bound. Then starts the parallel
 * reader at a position ahead, and continues up to this position, so that the consumer receives data while the parts are
 * on their way.
 *
 * @returns The position.
 */
async function* readUntilNetworkBound(
  blob: RemoteBlob,
  parts: ParallelReader,
  options: FetchOptions,
): AsyncGenerator<Uint8Array, number, undefined> {
  const stream = streamRange(blob, { offset: 0, length: blob.size }, { maxSkip: blob.size, ...options });
  let meter: ThroughputMeter | undefined;
  const startedAt = performance.now();
  let delay = 0;
  let position = 0;
  let isBound = false;
  let end = blob.size;
  try {
    for (;;) {
      const requestedAt = performance.now();
      const next = await stream.next();
      if (next.done === true) return position;
      const chunk = next.value.subarray(0, end - position);
      position += chunk.length;
      if (!isBound) {
        const now = performance.now();
        const rate = meter?.add(chunk.length, requestedAt, now);
        // The first bytes are not representative: they include the latency.
        if (meter === undefined) {
          meter = new ThroughputMeter(now);
          delay = now - startedAt;
        }
        isBound = rate !== undefined && parts.start(position + LEAD, { rate, delay });
        if (isBound) end = position + LEAD;
      }
      yield chunk;
      if (isBound && position === end) return position;
    }
  } finally {
    await stream.return();
  }
}

function isUnsupported(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'UNSUPPORTED';
}
