import { type CallOptions, type Descriptor, OciError } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { cutVerified } from './blob-pieces.ts';
import { probeBlob } from './blobs.ts';
import { ChunkedUpload } from './chunked-upload.ts';
import type { RepositoryContext } from './repository-context.ts';
import { streamOnce } from './sent-once.ts';
import { cancelUpload, openUpload, type UploadSession } from './upload-session.ts';
import { closeUpload, uploadBytes, uploadWhole } from './upload-whole.ts';

/** 8 MiB: within the 5 to 10 MiB that Amazon ECR takes as a part of a layer. */
const CHUNK_SIZE = 2 ** 23;

/** Amazon ECR's limit on the parts of a layer is 4,200: of a very large blob the chunks are larger. */
const MAX_CHUNKS = 4_000;

/**
 * Google's registries take a blob in one only, GitHub's no chunk of more than 4 MiB.
 *
 * @see cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling; jozu-ai/kitops, pkg/lib/repo/remote/upload-format.go
 */
const TAKES_NO_CHUNKS = /(?:^|\.)(?:gcr\.io|pkg\.dev|ghcr\.io)$/;

/** How registries that take no chunks say so. */
const CHUNK_REFUSALS: readonly RegistryErrorCode[] = ['UNSUPPORTED', 'UPLOAD_REFUSED'];

/**
 * Uploads a stream that can be read only once: a small one whole, from memory; a larger one in chunks, of which the one
 * on its way and the next are in memory, so that what breaks off goes on where the registry has it.
 */
export async function uploadStream(
  context: RepositoryContext,
  target: Descriptor,
  content: AsyncIterable<Uint8Array>,
  opened: UploadSession | undefined,
  call: CallOptions,
): Promise<void> {
  const chunkSize = Math.max(CHUNK_SIZE, Math.ceil(target.size / MAX_CHUNKS));
  const pieces = cutVerified(content, target, chunkSize, call);
  try {
    // Before an upload is opened: the source may not have the blob at all.
    const { value: first = new Uint8Array() } = await pieces.next();
    if (first.length === target.size) return await uploadBytes(context, target, first, opened, call);

    let session = opened ?? (await openUpload(context, call));
    if (session.minChunk <= chunkSize && !TAKES_NO_CHUNKS.test(session.url.hostname)) {
      const begun = await beginChunks(context, session, first, call);
      if (begun !== undefined) return await uploadRest(context, begun, target, pieces, call);
      session = await openUpload(context, call);
    }
    const whole = streamOnce(prepend(first, pieces), target.size);
    await uploadWhole(context, session, target, whole, call);
  } finally {
    await pieces.return();
  }
}

/** Sends the first chunk; undefined where the registry takes none, and the upload is given up. */
async function beginChunks(
  context: RepositoryContext,
  session: UploadSession,
  first: Uint8Array,
  call: CallOptions,
): Promise<ChunkedUpload | undefined> {
  const upload = new ChunkedUpload(context, session, call);
  try {
    await upload.send(first);
    return upload;
  } catch (error) {
    await cancelUpload(context, session);
    if (error instanceof RegistryError && CHUNK_REFUSALS.includes(error.code)) return undefined;
    throw error;
  }
}

/** Sends the other chunks, each while the next is read, and closes the upload. */
async function uploadRest(
  context: RepositoryContext,
  upload: ChunkedUpload,
  target: Descriptor,
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  call: CallOptions,
): Promise<void> {
  try {
    for (let next = await pieces.next(); next.done !== true; ) {
      // Both to their end, so that nothing is on its way when the upload is given up.
      const [read, sent] = await Promise.allSettled([pieces.next(), upload.send(next.value)]);
      if (read.status === 'rejected') throw read.reason;
      if (sent.status === 'rejected') throw sent.reason;
      next = read.value;
    }
    await closeUpload(context, upload.session, target, undefined, call);
  } catch (error) {
    // The answer to the last request may have been lost: sent again, it finds an upload that is over.
    const mayBeThere = error instanceof OciError && error.code === 'NOT_FOUND';
    if (mayBeThere && (await probeBlob(context, target, call))) return;
    await cancelUpload(context, upload.session);
    throw error;
  }
}

async function* prepend(
  first: Uint8Array,
  others: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  yield* others;
}
