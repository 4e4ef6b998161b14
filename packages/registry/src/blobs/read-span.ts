import { type ByteRange, type CallOptions, type FetchOptions, OciError } from '@soci/oci';
import { isTransient, Retries } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { type OpenSpan, openSpan } from './open-span.ts';
import type { RemoteBlob } from './remote-blob.ts';

/** Options of {@link readSpan}. */
export interface SpanOptions extends FetchOptions {
  /** Bytes in all that may be read only to be passed over, where a server answers a range with the whole blob. */
  readonly maxSkip: number;
}

/** Times that a body may break off in all, however much came in between. */
const MAX_BREAKS = 1000;

/** 64 KiB: a body that breaks off after fewer bytes counts as one that gave nothing. */
const MIN_PROGRESS = 1 << 16;

/** How much of a body came, and how it broke off, where it did not just end. */
interface BodyEnd {
  readonly received: number;
  readonly failure: RegistryError | undefined;
}

/**
 * Yields the bytes of a span as they come from the socket. Where the body breaks off, stalls or ends early, the registry
 * is asked for the rest, from the first byte that was not handed out: with a new URL of the storage and a new token,
 * should the old ones have expired.
 *
 * @throws RegistryError `UNSUPPORTED` where a server without ranges would have more than `maxSkip` bytes passed over.
 */
export async function* readSpan(
  blob: RemoteBlob,
  { offset, length }: ByteRange,
  { maxSkip, reuseChunks = false, signal }: SpanOptions,
): ByteStream {
  const call = signal === undefined ? {} : { signal };
  const end = offset + length;
  const retries = new Retries({ policy: blob.options.retry, ...call });
  let breaks = 0;
  let position = offset;
  let skippable = maxSkip;
  do {
    const rest = { offset: position, length: end - position };
    const opened = await openSpan(blob, rest, call);
    skippable -= position - opened.start;
    if (skippable < 0) {
      opened.response.discard();
      throw rangesUnsupported(blob, position);
    }
    const { received, failure } = yield* readBody(blob, rest, opened, reuseChunks, call);
    position += received;
    if (position === end) return;
    blob.options.locations?.forget(blob.repository, blob.digest);
    const broken = failure ?? endedEarly(blob, position);
    breaks += 1;
    if (breaks > MAX_BREAKS) throw broken;
    if (received >= MIN_PROGRESS) retries.reset();
    await retries.next(broken);
  } while (position < end);
}

/** Hands out what the answer's body holds of the span, and lets the rest of it go. */
async function* readBody(
  blob: RemoteBlob,
  { offset, length }: ByteRange,
  { response, start }: OpenSpan,
  reuseChunks: boolean,
  call: CallOptions,
): AsyncGenerator<Uint8Array, BodyEnd, undefined> {
  const end = offset + length;
  let at = start;
  let received = 0;
  try {
    for await (const chunk of response.body) {
      call.signal?.throwIfAborted();
      const piece = chunk.subarray(Math.max(0, offset - at), Math.max(0, end - at));
      at += chunk.length;
      if (at > end && end === blob.size) throw tooLong(blob);
      received += piece.length;
      if (piece.length > 0) yield piece;
      if (reuseChunks) releaseMemory(chunk);
      if (at > end) break;
    }
    return { received, failure: undefined };
  } catch (error) {
    call.signal?.throwIfAborted();
    if (isTransient(error)) return { received, failure: error };
    throw error;
  } finally {
    response.discard();
  }
}

function endedEarly({ request, size }: RemoteBlob, position: number): RegistryError {
  const message = `the answer to ${request} ended after ${position} of ${size} bytes`;
  return new RegistryError('CONNECTION_FAILED', message, { request });
}

function tooLong(blob: RemoteBlob): OciError {
  const where = `at the registry (${blob.request})`;
  return new OciError(
    'SIZE_MISMATCH',
    `${blob.digest} has more than the ${blob.size} bytes of its descriptor ${where}`,
  );
}

function rangesUnsupported(blob: RemoteBlob, position: number): RegistryError {
  return new RegistryError(
    'UNSUPPORTED',
    `the registry answers a request for the bytes of ${blob.digest} from ${position} on with the whole blob (${blob.request}): ` +
      'too much of it would have to be read twice',
    { request: blob.request, status: 200 },
  );
}

/**
 * Frees the memory of a chunk that nobody needs any more. Left to the garbage collector, the chunks of a fast stream pile
 * up to 64 MB before it looks at them. Does nothing if the chunk is part of a larger buffer, which others may use, or was
 * transferred.
 */
export function releaseMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > 0 && byteLength === buffer.byteLength) (buffer as ArrayBuffer).transfer(0);
}
