import { createDigester, type Descriptor, OciError } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { probeContent } from '../manifests/manifests.ts';
import type { Context } from '../repository-context.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { ChunkedUpload, sendChunks, startChunkedUpload } from './chunked-upload.ts';
import { closeUpload, uploadBytes } from './monolithic-upload.ts';
import { type BlobPush, cancelUpload, openUpload } from './upload-session.ts';

/** 8 MiB: Amazon ECR accepts layer parts of at least 5 MiB. */
const CHUNK_SIZE = 2 ** 23;

/** 20 MiB: the largest layer part of Amazon ECR. @see Amazon ECR API Reference, UploadLayerPart, `layerPartBlob` */
const LATE_CHUNK_SIZE = 20 * 2 ** 20;

/** Number of chunks of {@link CHUNK_SIZE}. Amazon ECR accepts 4,200 parts, which are then 58 GB, more than its largest layer. */
const EARLY_CHUNKS = 2_000;

/** Media type for requests about a blob. Registries do not store it. */
const BLOB = 'application/octet-stream';

/**
 * Uploads a stream whose digest and size are known only at its end: a small one from memory, a larger one in
 * chunks. Keeps two chunks in memory: the one being sent, and the one being read. An interrupted chunk is resumed. If
 * the stream fails, the upload is cancelled.
 *
 * @returns The digest and size; undefined if the registry rejects chunks or lost the upload. The stream may then not
 *   have been read to its end.
 */
export async function uploadUnsized(
  context: Context,
  content: AsyncIterable<Uint8Array>,
): Promise<Pick<Descriptor, 'digest' | 'size'> | undefined> {
  const source = new MeasuredStream(content, context.signal);
  const pieces = source.pieces();
  try {
    const { value: first = new Uint8Array() } = await pieces.next();
    if (first.length < CHUNK_SIZE) {
      const push = { ...context, target: source.describe() };
      if (!(await probeContent(push, push.target))) await uploadBytes(push, first);
      return identify(push);
    }
    const upload = await startChunkedUpload(context, await openUpload(context), first, CHUNK_SIZE);
    if (upload instanceof ChunkedUpload) return await finishUpload(context, upload, source, pieces);
    await cancelUpload(context, upload);
    return undefined;
  } finally {
    await pieces.return();
  }
}

async function finishUpload(
  context: Context,
  upload: ChunkedUpload,
  source: MeasuredStream,
  pieces: ByteStream,
): Promise<Pick<Descriptor, 'digest' | 'size'> | undefined> {
  try {
    await sendChunks(upload, pieces);
    const push = { ...context, target: source.describe() };
    await closeOrFind(push, upload);
    return identify(push);
  } catch (error) {
    await cancelUpload(context, upload.session);
    if (upload.isLost || isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Completes an upload. If the registry rejects that, another upload may have stored the same blob, or the response to
 * the same request was lost.
 */
async function closeOrFind(push: BlobPush, { session }: ChunkedUpload): Promise<void> {
  try {
    await closeUpload(push, session);
  } catch (error) {
    const isAnswer = error instanceof RegistryError || isNotFound(error);
    if (!isAnswer || !(await probeContent(push, push.target))) throw error;
    await cancelUpload(push, session);
  }
}

function identify({ target: { digest, size } }: BlobPush): Pick<Descriptor, 'digest' | 'size'> {
  return { digest, size };
}

function isNotFound(error: unknown): boolean {
  return error instanceof OciError && error.code === 'NOT_FOUND';
}

/** A stream that is split into chunks, and measured while it is read. */
class MeasuredStream {
  readonly #content: AsyncIterable<Uint8Array>;
  readonly #signal: AbortSignal | undefined;
  readonly #digester = createDigester();
  #size = 0;

  constructor(content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
    this.#content = content;
    this.#signal = signal;
  }

  /** Returns the descriptor of the stream. Call it once, at the end. */
  describe(): Descriptor {
    return { mediaType: BLOB, digest: this.#digester.digest(), size: this.#size };
  }

  /** Yields pieces that have their own memory. Only the last is shorter than the others. */
  async *pieces(): ByteStream {
    let count = 0;
    let piece = new Uint8Array(CHUNK_SIZE);
    let length = 0;
    for await (let chunk of this.#content) {
      this.#signal?.throwIfAborted();
      this.#digester.update(chunk);
      this.#size += chunk.length;
      while (chunk.length > 0) {
        const taken = Math.min(chunk.length, piece.length - length);
        piece.set(chunk.subarray(0, taken), length);
        length += taken;
        chunk = chunk.subarray(taken);
        if (length < piece.length) break;
        yield piece;
        count += 1;
        piece = new Uint8Array(count < EARLY_CHUNKS ? CHUNK_SIZE : LATE_CHUNK_SIZE);
        length = 0;
      }
    }
    if (length > 0) yield piece.subarray(0, length);
  }
}
