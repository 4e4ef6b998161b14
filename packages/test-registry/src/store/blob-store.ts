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

/** Bytes that do not change any more, in memory or in a file. */
export interface StoredBlob {
  /** In bytes. */
  readonly size: number;
  /** Yields `length` bytes from `offset`. A chunk is good until the next one is asked for. */
  chunks(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined>;
}

/** Large enough that a blob costs few turns, small enough that a reader who leaves is noticed soon. */
export const CHUNK_SIZE = 1 << 20;

/** The whole of a blob in one piece, for manifests and for tests. */
export async function readBlob(blob: StoredBlob): Promise<Uint8Array> {
  const whole = Buffer.allocUnsafe(blob.size);
  let length = 0;
  for await (const chunk of blob.chunks(0, blob.size)) {
    whole.set(chunk, length);
    length += chunk.length;
  }
  return whole;
}
