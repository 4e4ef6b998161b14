import { OciError } from '@soci/oci';
import { sentOnce } from '../client/replayable-body.ts';
import { isTransient } from '../client/retry.ts';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { probeContent } from '../manifests/manifests.ts';
import { exchange } from '../repository-context.ts';
import type { ByteStream } from '../transport/http-message.ts';
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
import { closeUpload } from './upload-whole.ts';

/** 64 KiB: a chunk that breaks off after fewer new bytes counts as one of which nothing came. */
const MIN_PROGRESS = 2 ** 16;

/**
 * An upload in chunks, one after the other, each going on where the registry says that it is.
 *
 * @see OCI distribution-spec v1.1, "Pushing a blob in chunks"
 */
export class ChunkedUpload {
  /** The upload where it stands now. */
  session: UploadSession;
  /** Whether the registry no longer has what it was sent: only another upload can go on, from the blob's start. */
  isLost = false;
  readonly #push: BlobPush;
  /** Bytes that the registry has taken. */
  #sent = 0;

  constructor(push: BlobPush, session: UploadSession) {
    this.#push = push;
    this.session = session;
  }

  /** Sends the bytes that follow. What breaks off goes on where the registry says that it has them to. */
  async send(chunk: Uint8Array): Promise<void> {
    const start = this.#sent;
    const end = start + chunk.length;
    const retries = uploadRetries(this.#push);
    let furthest = start;
    let broken: RegistryError | undefined;
    while (this.#sent < end) {
      try {
        await this.#sendPart(chunk.subarray(this.#sent - start));
      } catch (error) {
        // The registry still waits for the rest of a request that was given up, and takes no other.
        this.isLost = broken !== undefined && hasStatus(error, 409);
        if (this.isLost) throw broken;
        if (!isResumable(error)) throw error;
        broken = error;
        const stored = await this.#askStored(error);
        // Amazon ECR may tell of the first chunk only: what it took before is not sent again.
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
   * Asks how much the registry has. distribution gives an upload up that broke off within a chunk: its state, which is
   * part of the URL, no longer fits.
   *
   * @throws `failure` where the upload is gone
   */
  async #askStored(failure: RegistryError): Promise<number> {
    try {
      const [session, stored] = await resumeUpload(this.#push, this.session);
      this.session = session;
      return stored;
    } catch (error) {
      this.isLost = isNotFound(error) || hasStatus(error, 400);
      throw this.isLost ? failure : error;
    }
  }

  /** One PATCH, sent once: a registry that took part of it might add it again. */
  async #sendPart(part: Uint8Array): Promise<void> {
    const end = this.#sent + part.length;
    const response = await exchange(this.#push, 'push', {
      method: 'PATCH',
      target: this.session.url,
      headers: { ...OCTET_STREAM, 'content-range': `${this.#sent}-${end - 1}` },
      body: sentOnce(part),
    });
    this.session = { ...readSession('PATCH', response), minChunk: this.session.minChunk };
    // Not what its `Range` says: Amazon ECR's stays at the end of the first chunk. @see aws/containers-roadmap, issue 2831
    this.#sent = end;
  }
}

/** Whether it can be asked what it has, and sent the rest: 416 says that it has another part than was thought. */
function isResumable(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  // A token may end while a chunk is on its way; asking what is stored gets a new one.
  return error.status === 401 || error.status === 416 || isTransient(error);
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof RegistryError && error.status === status;
}

function isNotFound(error: unknown): boolean {
  return error instanceof OciError && error.code === 'NOT_FOUND';
}

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
  push: BlobPush,
  opened: UploadSession,
  first: Uint8Array,
  chunkSize: number,
): Promise<ChunkedUpload | UploadSession> {
  if (opened.minChunk > chunkSize || TAKES_NO_CHUNKS.test(opened.url.hostname)) return opened;
  const retries = uploadRetries(push);
  for (let session = opened; ; session = await openUpload(push)) {
    const upload = new ChunkedUpload(push, session);
    try {
      await upload.send(first);
      return upload;
    } catch (error) {
      await cancelUpload(push, upload.session);
      if (error instanceof RegistryError && CHUNK_REFUSALS.includes(error.code)) return openUpload(push);
      if (!upload.isLost) throw error;
      await retries.next(error);
    }
  }
}

/** Sends the other chunks, each while the next is read, and closes the upload. */
export async function finishChunks(push: BlobPush, upload: ChunkedUpload, pieces: ByteStream): Promise<void> {
  try {
    for (let next = await pieces.next(); next.done !== true; ) {
      // Both to their end, so that nothing is on its way when the upload is given up.
      const [read, sent] = await Promise.allSettled([pieces.next(), upload.send(next.value)]);
      if (read.status === 'rejected') throw read.reason;
      if (sent.status === 'rejected') throw sent.reason;
      next = read.value;
    }
    await closeUpload(push, upload.session);
  } catch (error) {
    // The answer to the last request may have been lost: sent again, it finds an upload that is over.
    if (isNotFound(error) && (await probeContent(push, push.target))) return;
    await cancelUpload(push, upload.session);
    throw error;
  }
}
