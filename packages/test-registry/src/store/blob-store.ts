import type { StoredBlob } from './stored-blob.ts';

/** A blob that is being received. */
export interface BlobDraft {
  /** Bytes received so far. */
  readonly size: number;
  /** Takes the next bytes; they may be reused when the promise is fulfilled. */
  append(chunk: Uint8Array): Promise<void>;
  /** Says how many bytes are about to come, so that they need not be moved again. A hint. */
  expect(bytes: number): void;
  /** The digest of what was received. */
  digest(algorithm: 'sha256' | 'sha512'): Promise<string>;
  /** Lets go of what was received. */
  discard(): Promise<void>;
}

/** Where the bytes of blobs are, by digest; which repository has them is not its affair. */
export interface BlobStore {
  /** Undefined where there is none of that digest. */
  get(digest: string): StoredBlob | undefined;
  /** Begins a blob. */
  begin(): Promise<BlobDraft>;
  /** Keeps what was received under `digest`, which the caller has compared. Ends the draft. */
  keep(draft: BlobDraft, digest: string): Promise<void>;
}
