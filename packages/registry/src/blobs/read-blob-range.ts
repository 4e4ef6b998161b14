import { type ByteRange, type CallOptions, checkRange, OciError } from '@soci/oci';
import { readSpan } from './read-span.ts';
import type { RemoteBlob } from './remote-blob.ts';

/** 1 GiB: a range is gathered in memory; who wants more reads it in parts, or the blob as a stream. */
export const MAX_RANGE_LENGTH = 2 ** 30;

/** 64 MiB: what is read and thrown away for a range, where a registry answers with the whole blob. */
export const MAX_BYTES_SKIPPED = 1 << 26;

/**
 * Exactly the bytes of a range, whatever happens on the way. They are unverified: only a digest of theirs can do that.
 */
export async function readBlobRange(blob: RemoteBlob, range: ByteRange, call: CallOptions = {}): Promise<Uint8Array> {
  call.signal?.throwIfAborted();
  checkRange(range, blob.size, blob.digest);
  if (range.length > MAX_RANGE_LENGTH) {
    const message = `${range.length} bytes of ${blob.digest} at once: the limit is ${MAX_RANGE_LENGTH}`;
    throw new OciError('LIMIT_EXCEEDED', message);
  }
  const bytes = new Uint8Array(range.length);
  if (range.length === 0) return bytes;
  let length = 0;
  for await (const chunk of readSpan(blob, range, { maxSkip: MAX_BYTES_SKIPPED, reuseChunks: true, ...call })) {
    bytes.set(chunk, length);
    length += chunk.length;
  }
  return bytes;
}
