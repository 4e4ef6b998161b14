import type { CallOptions, Descriptor, FetchOptions } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import type { RegistryHttp } from '../transport/registry-http.ts';
import { NetworkWait } from './network-wait.ts';
import { PART_SIZE, ReadAhead } from './read-ahead.ts';
import { PartsInFlight } from './read-blob-parallel.ts';
import { readSpan } from './read-span.ts';
import { type BlobOptions, RemoteBlob } from './remote-blob.ts';

/** Options of {@link fetchBlob}. */
export interface FetchBlobOptions extends BlobOptions, FetchOptions {
  /** Memory for parts that are read ahead; shared by all blobs of a registry. @default none: one connection a blob */
  readonly readAhead?: ReadAhead;
}

/**
 * Yields a blob as fast as its receiver takes it: over one connection at first, its chunks as they come from the socket;
 * where the receiver then waits for the network most of the time, by several ranged requests in flight.
 *
 * Whether the bytes have the blob's digest is for the receiver to check; that they are not too many or too few is checked.
 *
 * @throws OciError `NOT_FOUND`, `SIZE_MISMATCH`; RegistryError what the last attempt failed with.
 */
export async function* fetchBlob(
  http: RegistryHttp,
  repository: string,
  target: Descriptor,
  options: FetchBlobOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, readAhead = new ReadAhead(0), reuseChunks = false } = options;
  const call: CallOptions = signal === undefined ? {} : { signal };
  const blob = new RemoteBlob(http, repository, target, options);
  const parts = new PartsInFlight(blob, readAhead, call);
  try {
    let position = yield* readUntilHeldUp(blob, parts, { ...call, reuseChunks });
    try {
      for await (const chunk of parts.read()) {
        position += chunk.length;
        yield reuseChunks ? chunk : new Uint8Array(chunk);
      }
    } catch (error) {
      if (!(error instanceof RegistryError && error.code === 'UNSUPPORTED')) throw error;
      // No ranges here: one connection for the rest, and what was handed out is passed over.
      const rest = { offset: position, length: blob.size - position };
      yield* readSpan(blob, rest, { maxSkip: blob.size, reuseChunks, ...call });
    }
  } finally {
    await parts.close();
  }
}

/**
 * Reads over one connection to the blob's end, or until the receiver is held up: then the parts are begun some way
 * ahead, and what lies before them is still read, so that the receiver has something while they come.
 *
 * @returns The position of the first byte that was not handed out.
 */
async function* readUntilHeldUp(
  blob: RemoteBlob,
  parts: PartsInFlight,
  options: FetchOptions,
): AsyncGenerator<Uint8Array, number, undefined> {
  const stream = readSpan(blob, { offset: 0, length: blob.size }, { maxSkip: blob.size, ...options });
  let wait: NetworkWait | undefined;
  let position = 0;
  let end = blob.size;
  let isSwitching = false;
  try {
    for (;;) {
      const asked = performance.now();
      const next = await stream.next();
      if (next.done === true) return position;
      const chunk = next.value.subarray(0, end - position);
      position += chunk.length;
      const now = performance.now();
      // The first bytes come late on any network: they tell nothing.
      const isHeldUp = wait?.add(chunk.length, asked, now) ?? false;
      wait ??= new NetworkWait(now);
      if (isHeldUp && !isSwitching && parts.begin(position + PART_SIZE)) {
        isSwitching = true;
        end = position + PART_SIZE;
      }
      yield chunk;
      if (isSwitching && position === end) return position;
    }
  } finally {
    await stream.return();
  }
}
