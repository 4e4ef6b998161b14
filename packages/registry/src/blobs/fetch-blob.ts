import type { FetchOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { ParallelReader } from './parallel-reader.ts';
import { PART_SIZE } from './read-ahead-pool.ts';
import type { RemoteBlob } from './remote-blob.ts';
import { streamRange } from './stream-range.ts';
import { ThroughputMeter } from './throughput-meter.ts';

/**
 * Yields a blob at the pace of its consumer. Starts with one connection. If the consumer then waits for the network
 * most of the time, continues with several concurrent range requests.
 *
 * Checks the size of the blob. The consumer must check the digest.
 */
export async function* fetchBlob(blob: RemoteBlob, options: FetchOptions = {}): ByteStream {
  const parts = new ParallelReader(blob, options);
  let position = 0;
  try {
    const networkBound = yield* readUntilNetworkBound(blob, parts, options);
    position = networkBound.position;
    for await (const chunk of parts.read(networkBound.rate)) {
      position += chunk.length;
      yield options.reuseChunks ? chunk : new Uint8Array(chunk);
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

/** Where reading over one connection ended, and its rate in bytes per millisecond. */
interface NetworkBound {
  readonly position: number;
  readonly rate: number;
}

/**
 * Reads over one connection until the end of the blob, or until the consumer is network-bound. Then starts the parallel
 * reader at a position ahead, and continues up to this position, so that the consumer receives data while the parts are
 * on their way.
 */
async function* readUntilNetworkBound(
  blob: RemoteBlob,
  parts: ParallelReader,
  options: FetchOptions,
): AsyncGenerator<Uint8Array, NetworkBound, undefined> {
  const stream = streamRange(blob, { offset: 0, length: blob.size }, { maxSkip: blob.size, ...options });
  let meter: ThroughputMeter | undefined;
  let position = 0;
  let rate: number | undefined;
  let end = blob.size;
  try {
    for (;;) {
      const requestedAt = performance.now();
      const next = await stream.next();
      if (next.done === true) return { position, rate: 0 };
      const chunk = next.value.subarray(0, end - position);
      position += chunk.length;
      if (rate === undefined) {
        const now = performance.now();
        rate = meter?.add(chunk.length, requestedAt, now);
        // The first bytes are not representative: they include the latency.
        meter ??= new ThroughputMeter(now);
        if (rate !== undefined && parts.start(position + PART_SIZE)) end = position + PART_SIZE;
        else rate = undefined;
      }
      yield chunk;
      if (rate !== undefined && position === end) return { position, rate };
    }
  } finally {
    await stream.return();
  }
}

function isUnsupported(error: unknown): boolean {
  return error instanceof RegistryError && error.code === 'UNSUPPORTED';
}
