import { type ByteRange, type CallOptions, checkRange, OciError } from '@soci/oci';
import type { RemoteBlob } from './remote-blob.ts';
import { streamRange } from './stream-range.ts';

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
