import { type ByteRange, type CallOptions, checkRange, type FetchOptions, OciError } from '@soci/oci';
import { isTransient, Retries } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { releaseMemory } from '../transport/response-body.ts';
import type { RemoteBlob } from './remote-blob.ts';
import { type RangeResponse, requestRange } from './request-range.ts';

/** Options of {@link streamRange}. */
export interface StreamRangeOptions extends FetchOptions {
  /** Maximum number of bytes that are skipped if a server responds to a range request with the whole blob. */
  readonly maxSkip: number;
}

/** Maximum number of times that a body may break off, regardless of progress. */
const MAX_BREAKS = 1000;

/** 64 KiB: a body that breaks off after fewer bytes counts as no progress. */
const MIN_PROGRESS = 1 << 16;

/** Number of bytes received from a body, and its failure, unless it ended normally. */
interface BodyEnd {
  readonly received: number;
  readonly failure: RegistryError | undefined;
}

/**
 * Yields the bytes of a range as they arrive. If the body breaks off, stalls or ends early, requests the rest from the
 * first missing byte, with a new storage URL and token if these have expired.
 *
 * @throws RegistryError `UNSUPPORTED` if the server does not support ranges and more than `maxSkip` bytes would have to
 * be skipped
 */
export async function* streamRange(
  blob: RemoteBlob,
  { offset, length }: ByteRange,
  { maxSkip, reuseChunks = false, signal }: StreamRangeOptions,
): ByteStream {
  const call = signal === undefined ? {} : { signal };
  const end = offset + length;
  const retries = new Retries({ policy: blob.options.retry, ...call });
  let breaks = 0;
  let position = offset;
  let skippable = maxSkip;
  do {
    const rest = { offset: position, length: end - position };
    const opened = await requestRange(blob, rest, call);
    skippable -= position - opened.start;
    if (skippable < 0) {
      opened.response.discard();
      throw rangesUnsupported(blob, position);
    }
    const { received, failure } = yield* readBody(blob, rest, opened, reuseChunks, call);
    position += received;
    if (position === end) return;
    blob.options.urlCache?.delete(blob.repository, blob.digest);
    const broken = failure ?? endedEarly(blob, position);
    breaks += 1;
    if (breaks > MAX_BREAKS) throw broken;
    if (received >= MIN_PROGRESS) retries.reset();
    await retries.next(broken);
  } while (position < end);
}

/** Yields the part of the response body that is in the range, and discards the rest. */
async function* readBody(
  blob: RemoteBlob,
  { offset, length }: ByteRange,
  { response, start }: RangeResponse,
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
  const message = `${request}: the response ended after ${position} of ${size} bytes`;
  return new RegistryError('CONNECTION_FAILED', message, { request });
}

function tooLong({ digest, size, request }: RemoteBlob): OciError {
  return new OciError('SIZE_MISMATCH', `${digest} has more than the ${size} bytes of its descriptor (${request})`);
}

function rangesUnsupported(blob: RemoteBlob, position: number): RegistryError {
  return new RegistryError(
    'UNSUPPORTED',
    `${blob.request}: the registry does not support ranges and returned the whole blob; ` +
      `too many bytes would have to be skipped to reach byte ${position}`,
    { request: blob.request, status: 200 },
  );
}

/**
 * Maximum length of a range, 1 GiB, because it is read into memory. Read longer ranges in parts, or the blob as a
 * stream.
 */
export const MAX_RANGE_LENGTH = 2 ** 30;

/** Maximum number of bytes that are skipped if a registry responds to a range request with the whole blob: 64 MiB. */
export const MAX_BYTES_SKIPPED = 1 << 26;

/** Returns exactly the bytes of a range. They are unverified, because the digest is that of the whole blob. */
export async function readBlobRange(blob: RemoteBlob, range: ByteRange, call: CallOptions = {}): Promise<Uint8Array> {
  call.signal?.throwIfAborted();
  checkRange(range, blob.size, blob.digest);
  if (range.length > MAX_RANGE_LENGTH) {
    const message = `a range of ${range.length} bytes of ${blob.digest} exceeds the limit of ${MAX_RANGE_LENGTH}: read it in parts`;
    throw new OciError('LIMIT_EXCEEDED', message);
  }
  const bytes = new Uint8Array(range.length);
  if (range.length === 0) return bytes;
  let length = 0;
  for await (const chunk of streamRange(blob, range, { maxSkip: MAX_BYTES_SKIPPED, reuseChunks: true, ...call })) {
    bytes.set(chunk, length);
    length += chunk.length;
  }
  return bytes;
}
