import { type Descriptor, verifyStream } from '@soci/oci';
import { singleUseStream } from '../client/replayable-body.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { ChunkedUpload, finishChunkedUpload, startChunkedUpload } from './chunked-upload.ts';
import { uploadBytes, uploadMonolithic } from './monolithic-upload.ts';
import { type BlobPush, openUpload, type UploadSession, uploadRetries } from './upload-session.ts';

/** 8 MiB: Amazon ECR accepts layer parts of 5 to 10 MiB. */
const CHUNK_SIZE = 2 ** 23;

/** Amazon ECR accepts at most 4,200 parts per layer. Chunks of very large blobs are larger. */
const MAX_CHUNKS = 4_000;

/** 64 MiB. A blob that would need larger chunks exceeds the limits of Amazon ECR. Chunks are kept in memory. */
const MAX_CHUNK_SIZE = 2 ** 26;

/**
 * Uploads a stream: a small one from memory, a larger one in chunks, so that it can be resumed. Keeps three
 * chunks in memory: the one being sent, the next, and the one being read. If the registry lost the upload, the stream
 * is read again if possible.
 */
export async function uploadStream(
  push: BlobPush,
  content: AsyncIterable<Uint8Array>,
  opened?: UploadSession,
): Promise<void> {
  const retries = uploadRetries(push);
  for (let session = opened; ; session = undefined) {
    let sourceFailure: unknown;
    const source = captureFailure(content, (error) => {
      sourceFailure = error;
    });
    const lost = await uploadOnce(push, source, session);
    if (lost === undefined) return;
    if (lost.failure === sourceFailure || !canIterateAgain(content)) throw lost.failure;
    await retries.next(lost.failure);
  }
}

/** An upload that failed after its bytes left memory. Bytes still in memory have already been retried. */
interface LostUpload {
  readonly failure: unknown;
}

async function uploadOnce(
  push: BlobPush,
  content: AsyncIterable<Uint8Array>,
  opened?: UploadSession,
): Promise<LostUpload | undefined> {
  const { target } = push;
  const chunkSize = Math.min(Math.max(CHUNK_SIZE, Math.ceil(target.size / MAX_CHUNKS)), MAX_CHUNK_SIZE);
  const pieces = splitVerified(content, target, chunkSize, push.signal);
  try {
    // Read first, then open the upload: the source may not have the blob at all.
    const { value: first = new Uint8Array() } = await pieces.next();
    if (first.length === target.size) {
      await uploadBytes(push, first, opened);
      return undefined;
    }
    const session = opened ?? (await openUpload(push));
    const upload = await startChunkedUpload(push, session, first, chunkSize);
    try {
      if (upload instanceof ChunkedUpload) await finishChunkedUpload(push, upload, pieces);
      else await uploadMonolithic(push, upload, singleUseStream(prepend(first, pieces), target.size));
      return undefined;
    } catch (failure) {
      if (upload instanceof ChunkedUpload && !upload.isLost) throw failure;
      return { failure };
    }
  } finally {
    await pieces.return();
  }
}

async function* prepend(first: Uint8Array, others: AsyncIterable<Uint8Array>): ByteStream {
  yield first;
  yield* others;
}

/**
 * Reports whether each iteration starts from the beginning. A generator is its own iterator and can be read only once.
 */
function canIterateAgain(content: AsyncIterable<Uint8Array>): boolean {
  return (content[Symbol.asyncIterator]() as unknown) !== content;
}

async function* captureFailure(content: AsyncIterable<Uint8Array>, onFailure: (error: unknown) => void): ByteStream {
  try {
    yield* content;
  } catch (error) {
    onFailure(error);
    throw error;
  }
}

/**
 * Splits a stream into pieces of `size` bytes, each with its own memory; the last may be shorter. The last piece is
 * yielded only after the whole stream has been verified against `target`, so invalid content never becomes a complete
 * blob.
 */
export async function* splitVerified(
  chunks: AsyncIterable<Uint8Array>,
  target: Descriptor,
  size: number,
  signal: AbortSignal | undefined,
): ByteStream {
  let pending: Uint8Array | undefined;
  let piece = new Uint8Array(Math.min(size, target.size));
  let length = 0;
  let left = target.size;
  for await (let chunk of verifyStream(chunks, target, signal && { signal })) {
    while (chunk.length > 0) {
      const taken = Math.min(chunk.length, piece.length - length);
      piece.set(chunk.subarray(0, taken), length);
      length += taken;
      chunk = chunk.subarray(taken);
      if (length < piece.length) break;
      if (pending !== undefined) yield pending;
      pending = piece;
      left -= piece.length;
      piece = new Uint8Array(Math.min(size, left));
      length = 0;
    }
  }
  // The size has been verified, so the pending piece is the last.
  if (pending !== undefined) yield pending;
}
