import { randomBytes, randomUUID } from 'node:crypto';
import type { BlobDraft, BlobStore } from '../store/blob-store.ts';

/** An upload under way. */
export interface UploadSession {
  readonly id: string;
  /** Name of the repository that it was begun in. */
  readonly name: string;
  /** Stands in the query of its address, which a client has to keep. */
  readonly state: string;
  readonly draft: BlobDraft;
  /** Sizes of the parts taken, in order. */
  readonly parts: number[];
  /** Whether a request is writing to it. */
  isBusy: boolean;
}

/** The uploads under way. */
export class Uploads {
  readonly #blobs: BlobStore;
  readonly #sessions = new Map<string, UploadSession>();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  async begin(name: string): Promise<UploadSession> {
    const session = {
      id: randomUUID(),
      name,
      state: randomBytes(12).toString('base64url'),
      draft: await this.#blobs.begin(),
      parts: [],
      isBusy: false,
    };
    this.#sessions.set(session.id, session);
    return session;
  }

  find(id: string): UploadSession | undefined {
    return this.#sessions.get(id);
  }

  /** Forgets an upload whose bytes were kept. */
  end(session: UploadSession): void {
    this.#sessions.delete(session.id);
  }

  /** Forgets an upload and its bytes. */
  async cancel(session: UploadSession): Promise<void> {
    this.end(session);
    await session.draft.discard();
  }

  async cancelAll(): Promise<void> {
    for (const session of [...this.#sessions.values()]) await this.cancel(session);
  }
}
