import { OciError } from '@soci/oci';
import { singleUseBytes } from '../client/replayable-body.ts';
import { isTransient } from '../client/retry.ts';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { probeContent } from '../manifests/manifests.ts';
import { type Context, exchange } from '../repository-context.ts';
import type { ByteStream } from '../transport/http-message.ts';
import { closeUpload } from './monolithic-upload.ts';
import {
  type BlobPush,
  cancelUpload,
  OCTET_STREAM,
  openUpload,
  readSession,
  resumeUpload,
  type UploadSession,
  uploadRetries,
} from './upload-session.ts';

/** 64 KiB: a chunk that breaks off after fewer new bytes counts as no progress. */
const MIN_PROGRESS = 2 ** 16;

/**
 * A chunked upload. Each chunk starts at the offset that the registry reports.
 *
 * @see OCI distribution-spec v1.1, "Pushing a blob in chunks"
 */
export class ChunkedUpload {
  /** The current upload session. */
  session: UploadSession;
  /** Whether the registry lost the upload. Only a new upload can continue, from the start of the blob. */
  isLost = false;
  readonly #context: Context;
  /** Number of bytes that the registry has received. */
  #sent = 0;

  constructor(context: Context, session: UploadSession) {
    this.#context = context;
    this.session = session;
  }

  /** Sends the next chunk. After a break, resumes at the offset that the registry reports. */
  async send(chunk: Uint8Array): Promise<void> {
    const start = this.#sent;
    const end = start + chunk.length;
    const retries = uploadRetries(this.#context);
    let furthest = start;
    let failure: RegistryError | undefined;
    while (this.#sent < end) {
      try {
        await this.#sendPart(chunk.subarray(this.#sent - start));
      } catch (error) {
        // The registry still waits for the rest of an aborted request and accepts no other.
        this.isLost = failure !== undefined && isStatus(error, 409);
        if (this.isLost) throw failure;
        if (!isResumable(error)) throw error;
        failure = error;
        const stored = await this.#resume(error);
        // Amazon ECR may report only the first chunk; earlier chunks are not sent again.
        this.#sent = stored >= start && stored <= end ? stored : start;
        if (this.#sent < end && this.#sent < furthest + MIN_PROGRESS) {
          await retries.next(error);
        } else {
          furthest = this.#sent;
          retries.reset();
        }
      }
    }
  }

  /**
   * Asks the registry for the current offset. distribution abandons an upload that broke off within a chunk: its state,
   * which is part of the URL, no longer matches.
   *
   * @throws `failure` if the upload is lost
   */
  async #resume(failure: RegistryError): Promise<number> {
    try {
      const [session, stored] = await resumeUpload(this.#context, this.session);
      this.session = session;
      return stored;
    } catch (error) {
      this.isLost = isNotFound(error) || isStatus(error, 400);
      throw this.isLost ? failure : error;
    }
  }

  /** Sends one PATCH, without retries: a registry that received part of it might append it again. */
  async #sendPart(part: Uint8Array): Promise<void> {
    const end = this.#sent + part.length;
    const response = await exchange(this.#context, 'push', {
      method: 'PATCH',
      target: this.session.url,
      headers: { ...OCTET_STREAM, 'content-range': `${this.#sent}-${end - 1}` },
      body: singleUseBytes(part),
    });
    this.session = { ...readSession('PATCH', response), minChunk: this.session.minChunk };
    // Ignore the `Range`: that of Amazon ECR stays at the end of the first chunk. @see aws/containers-roadmap, issue
    // 2831
    this.#sent = end;
  }
}

/** Reports whether the upload can be resumed. 416 means that the registry has another offset. */
function isResumable(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  // A token may expire during a chunk; the next request obtains a new one.
  return error.status === 401 || error.status === 416 || isTransient(error);
}

function isStatus(error: unknown, status: number): boolean {
  return error instanceof RegistryError && error.status === status;
}

function isNotFound(error: unknown): boolean {
  return error instanceof OciError && error.code === 'NOT_FOUND';
}

/**
 * Registries that reject chunks: those of Google accept only monolithic uploads, that of GitHub no chunk over 4 MiB.
 *
 * @see cloud.google.com/artifact-registry/docs/docker/pushing-and-pulling; jozu-ai/kitops,
 * pkg/lib/repo/remote/upload-format.go
 */
const REJECTS_CHUNKS = /(?:^|\.)(?:gcr\.io|pkg\.dev|ghcr\.io)$/;

/** Errors of registries that reject chunks. */
const CHUNK_REJECTIONS: readonly RegistryErrorCode[] = ['UNSUPPORTED', 'UPLOAD_REFUSED'];

/** Sends the first chunk. If the registry rejects chunks, returns a session for a monolithic upload. */
export async function startChunkedUpload(
  context: Context,
  opened: UploadSession,
  first: Uint8Array,
  chunkSize: number,
): Promise<ChunkedUpload | UploadSession> {
  if (opened.minChunk > chunkSize || REJECTS_CHUNKS.test(opened.url.hostname)) return opened;
  const retries = uploadRetries(context);
  for (let session = opened; ; session = await openUpload(context)) {
    const upload = new ChunkedUpload(context, session);
    try {
      await upload.send(first);
      return upload;
    } catch (error) {
      await cancelUpload(context, upload.session);
      if (error instanceof RegistryError && CHUNK_REJECTIONS.includes(error.code)) return openUpload(context);
      if (!upload.isLost) throw error;
      await retries.next(error);
    }
  }
}

/** Sends the remaining chunks, each while the next is read, and completes the upload. */
export async function finishChunkedUpload(push: BlobPush, upload: ChunkedUpload, pieces: ByteStream): Promise<void> {
  try {
    await sendChunks(upload, pieces);
    await closeUpload(push, upload.session);
  } catch (error) {
    // The response to the last request may have been lost. Its retry then finds that the upload no longer exists.
    if (isNotFound(error) && (await probeContent(push, push.target))) return;
    await cancelUpload(push, upload.session);
    throw error;
  }
}

/** Sends chunks, each while the next is read. */
export async function sendChunks(upload: ChunkedUpload, pieces: ByteStream): Promise<void> {
  for (let next = await pieces.next(); next.done !== true; ) {
    // Wait for both, so that no request is running when the upload is cancelled.
    const [read, sent] = await Promise.allSettled([pieces.next(), upload.send(next.value)]);
    if (read.status === 'rejected') throw read.reason;
    if (sent.status === 'rejected') throw sent.reason;
    next = read.value;
  }
}
