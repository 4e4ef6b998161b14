import { type CallOptions, type Descriptor, OciError } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '../../errors.ts';
import { probeBlob } from '../blobs/probe-blob.ts';
import type { RepositoryContext } from '../repository-context.ts';
import { Resends } from '../resends.ts';
import { ChunkedUpload } from './chunked-upload.ts';
import { cancelUpload, openUpload, type UploadSession } from './upload-session.ts';
import { closeUpload } from './upload-whole.ts';

/**
 * Google's registries take a blob in one only, GitHub's no chunk of more than 4 MiB.
 *
 * @see cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling; jozu-ai/kitops, pkg/lib/repo/remote/upload-format.go
 */
const TAKES_NO_CHUNKS = /(?:^|\.)(?:gcr\.io|pkg\.dev|ghcr\.io)$/;

/** How registries that take no chunks say so. */
const CHUNK_REFUSALS: readonly RegistryErrorCode[] = ['UNSUPPORTED', 'UPLOAD_REFUSED'];

/** Sends the first chunk; of a registry that takes none it gives an upload for the whole. */
export async function beginChunks(
  context: RepositoryContext,
  opened: UploadSession,
  first: Uint8Array,
  chunkSize: number,
  call: CallOptions,
): Promise<ChunkedUpload | UploadSession> {
  if (opened.minChunk > chunkSize || TAKES_NO_CHUNKS.test(opened.url.hostname)) return opened;
  const resends = new Resends(context.retry, call);
  for (let session = opened; ; session = await openUpload(context, call)) {
    const upload = new ChunkedUpload(context, session, call);
    try {
      await upload.send(first);
      return upload;
    } catch (error) {
      await cancelUpload(context, upload.session);
      if (error instanceof RegistryError && CHUNK_REFUSALS.includes(error.code)) return openUpload(context, call);
      if (!upload.isLost) throw error;
      await resends.next(error);
    }
  }
}

/** Sends the other chunks, each while the next is read, and closes the upload. */
export async function finishChunks(
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
