import type { CallOptions, Descriptor } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { isPassing, Retries } from '../transport/retry.ts';
import { MAX_SHORT_ANSWER } from './answer.ts';
import { pushScope, type RepositoryContext } from './repository-context.ts';
import { sentOnce } from './sent-once.ts';
import { readSession, resumeUpload, storedBytes, type UploadSession } from './upload-session.ts';

/**
 * An upload in chunks, one after the other, each going on where the registry says that it is.
 *
 * @see OCI distribution-spec v1.1, "Pushing a blob in chunks"
 */
export class ChunkedUpload {
  readonly #context: RepositoryContext;
  readonly #target: Descriptor;
  readonly #call: CallOptions;
  #session: UploadSession;
  /** Bytes that the registry has. */
  #stored = 0;

  constructor(context: RepositoryContext, session: UploadSession, target: Descriptor, call: CallOptions) {
    this.#context = context;
    this.#session = session;
    this.#target = target;
    this.#call = call;
  }

  /** The upload where it stands now. */
  get session(): UploadSession {
    return this.#session;
  }

  /**
   * Sends the bytes that follow. What breaks off goes on where the registry says that it has them to.
   *
   * @throws RegistryError `UPLOAD_REFUSED`; what the last attempt failed with.
   */
  async send(chunk: Uint8Array): Promise<void> {
    const start = this.#stored;
    const end = start + chunk.length;
    const retries = new Retries({ policy: this.#context.retry, ...this.#call });
    while (this.#stored < end) {
      const before = this.#stored;
      try {
        await this.#sendPart(chunk.subarray(before - start));
      } catch (error) {
        if (!isResumable(error)) throw error;
        const { session, stored } = await resumeUpload(this.#context, this.#session, this.#call);
        this.#session = session;
        this.#stored = stored;
        if (stored > before) retries.reset();
        else await retries.next(error);
      }
      if (this.#stored < start || this.#stored > end) throw this.#lostCount(start, end);
    }
  }

  /** One PATCH, sent once: a registry that took part of it would add it again. */
  async #sendPart(part: Uint8Array): Promise<void> {
    const end = this.#stored + part.length;
    const response = await this.#context.http.exchange(
      {
        method: 'PATCH',
        target: this.#session.url,
        headers: { 'content-type': 'application/octet-stream', 'content-range': `${this.#stored}-${end - 1}` },
        body: sentOnce(part),
        scope: pushScope(this.#context),
        ...this.#call,
      },
      MAX_SHORT_ANSWER,
    );
    this.#session = { ...readSession('PATCH', response), minChunk: this.#session.minChunk };
    this.#stored = storedBytes(response) ?? end;
  }

  #lostCount(start: number, end: number): RegistryError {
    return new RegistryError(
      'UPLOAD_REFUSED',
      `${this.#context.name}: of ${this.#target.digest} the registry says that it has ${this.#stored} bytes, which lies ` +
        `outside the ${start} to ${end} that were sent: start again`,
    );
  }
}

/** Whether the registry may have a part, and takes the rest: 416 says that it has another part than was thought. */
function isResumable(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  // A token may end while a chunk is on its way; asking what is stored gets a new one.
  return error.status === 401 || error.status === 416 || isPassing(error);
}
