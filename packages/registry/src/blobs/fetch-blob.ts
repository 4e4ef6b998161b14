import type { FetchOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { PartsInFlight } from './parts-in-flight.ts';
import { PART_SIZE } from './read-ahead.ts';
import { readSpan } from './read-span.ts';
import type { RemoteBlob } from './remote-blob.ts';
import { ThroughputMeter } from './throughput-meter.ts';

/**
 * Yields a blob as fast as its receiver takes it: over one connection at first, its chunks as they come from the socket;
 * where the receiver then waits for the network most of the time, by several ranged requests in flight.
 *
 * Whether the bytes have the blob's digest is for the receiver to check; that they are not too many or too few is checked.
 */
export async function* fetchBlob(blob: RemoteBlob, options: FetchOptions = {}): ByteStream {
  const parts = new PartsInFlight(blob, options);
  let position = 0;
  try {
    const heldUp = yield* readUntilHeldUp(blob, parts, options);
    position = heldUp.position;
    for await (const chunk of parts.read(heldUp.rate)) {
      position += chunk.length;
      yield options.reuseChunks ? chunk : new Uint8Array(chunk);
    }
  } catch (error) {
    // A part (position is 0 before) says that there are no ranges: then the rest comes over one connection.
    if (position === 0 || !isUnsupported(error)) throw error;
  } finally {
    await parts.close();
  }
  if (position === blob.size) return;
  const rest = { offset: position, length: blob.size - position };
  yield* readSpan(blob, rest, { maxSkip: blob.size, ...options });
}

/** Where reading over one connection ended, and how many bytes a millisecond it gave before. */
interface HeldUp {
  readonly position: number;
  readonly rate: number;
}

/**
 * Reads over one connection to the blob's end, or until the receiver is held up: then the parts are begun some way
 * ahead, and what lies before them is still read, so that the receiver has something while they come.
 */
async function* readUntilHeldUp(
  blob: RemoteBlob,
  parts: PartsInFlight,
  options: FetchOptions,
): AsyncGenerator<Uint8Array, HeldUp, undefined> {
  const stream = readSpan(blob, { offset: 0, length: blob.size }, { maxSkip: blob.size, ...options });
  let wait: ThroughputMeter | undefined;
  let position = 0;
  let rate: number | undefined;
  let end = blob.size;
  try {
    for (;;) {
      const asked = performance.now();
      const next = await stream.next();
      if (next.done === true) return { position, rate: 0 };
      const chunk = next.value.subarray(0, end - position);
      position += chunk.length;
      if (rate === undefined) {
        const now = performance.now();
        rate = wait?.add(chunk.length, asked, now);
        // The first bytes come late on any network: they tell nothing.
        wait ??= new ThroughputMeter(now);
        if (rate !== undefined && parts.begin(position + PART_SIZE)) end = position + PART_SIZE;
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
