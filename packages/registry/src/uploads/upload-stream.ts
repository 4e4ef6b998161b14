import { type Descriptor, verifyStream } from '@soci/oci';
import { streamOnce } from '../client/replayable-body.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { beginChunks, ChunkedUpload, finishChunks } from './chunked-upload.ts';
import { type BlobPush, openUpload, type UploadSession, uploadRetries } from './upload-session.ts';
import { uploadBytes, uploadWhole } from './upload-whole.ts';

/** 8 MiB: within the 5 to 10 MiB that Amazon ECR takes as a part of a layer. */
const CHUNK_SIZE = 2 ** 23;

/** Amazon ECR's limit on the parts of a layer is 4,200: of a very large blob the chunks are larger. */
const MAX_CHUNKS = 4_000;

/** 64 MiB: a size of which the chunks were larger is a lie, or more than Amazon ECR takes. They lie in memory. */
const MAX_CHUNK_SIZE = 2 ** 26;

/**
 * Uploads a stream: a small one whole, from memory; a larger one in chunks, so that what breaks off goes on where the
 * registry has it. Three of them are in memory: the one on its way, the next, and the one that is being read. Where the
 * registry has lost what it had, the stream is read anew if it can be.
 */
export async function uploadStream(
  push: BlobPush,
  content: AsyncIterable<Uint8Array>,
  opened?: UploadSession,
): Promise<void> {
  const retries = uploadRetries(push);
  for (let session = opened; ; session = undefined) {
    let failureOfSource: unknown;
    const source = noteFailure(content, (error) => {
      failureOfSource = error;
    });
    const lost = await uploadOnce(push, source, session);
    if (lost === undefined) return;
    if (lost.failure === failureOfSource || !canBeReadAnew(content)) throw lost.failure;
    await retries.next(lost.failure);
  }
}

/** What broke off with bytes that are no longer in memory. Whatever is in memory has been sent as often as it may be. */
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
  const pieces = cutVerified(content, target, chunkSize, push.signal);
  try {
    // Before an upload is opened: the source may not have the blob at all.
    const { value: first = new Uint8Array() } = await pieces.next();
    if (first.length === target.size) {
      await uploadBytes(push, first, opened);
      return undefined;
    }
    const session = opened ?? (await openUpload(push));
    const begun = await beginChunks(push, session, first, chunkSize);
    try {
      if (begun instanceof ChunkedUpload) await finishChunks(push, begun, pieces);
      else await uploadWhole(push, begun, streamOnce(prepend(first, pieces), target.size));
      return undefined;
    } catch (failure) {
      if (begun instanceof ChunkedUpload && !begun.isLost) throw failure;
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

/** Whether iterating begins anew each time. A generator is its own iterator, and is over after the first. */
function canBeReadAnew(content: AsyncIterable<Uint8Array>): boolean {
  return (content[Symbol.asyncIterator]() as unknown) !== content;
}

async function* noteFailure(content: AsyncIterable<Uint8Array>, note: (error: unknown) => void): ByteStream {
  try {
    yield* content;
  } catch (error) {
    note(error);
    throw error;
  }
}

/**
 * Cuts a stream into pieces of `size` bytes, the last one shorter, each with memory of its own. The last piece comes only
 * after the whole stream was found to be what `target` says: whoever sends the pieces on never completes a false blob.
 */
export async function* cutVerified(
  chunks: AsyncIterable<Uint8Array>,
  target: Descriptor,
  size: number,
  signal: AbortSignal | undefined,
): ByteStream {
  let held: Uint8Array | undefined;
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
      if (held !== undefined) yield held;
      held = piece;
      left -= piece.length;
      piece = new Uint8Array(Math.min(size, left));
      length = 0;
    }
  }
  // The stream is as long as the descriptor says, so the piece that was held is the last.
  if (held !== undefined) yield held;
}
