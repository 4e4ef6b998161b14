import { createHash } from 'node:crypto';

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
  /** Ends the draft: what was received does not change any more. */
  keep(digest: string): Promise<StoredBlob>;
}

/** Bytes that do not change any more, in memory or in a file. */
export interface StoredBlob {
  /** In bytes. */
  readonly size: number;
  /** Yields `length` bytes from `offset`. A chunk is good until the next one is asked for. */
  chunks(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined>;
}

/** Where the bytes of blobs are, by digest; which repository has them is not its affair. */
export class BlobStore {
  readonly #blobs = new Map<string, StoredBlob>();
  /** Begins a blob. */
  readonly begin: () => Promise<BlobDraft>;

  /** @param begin - @default in memory */
  constructor(begin: () => Promise<BlobDraft> = async () => new MemoryDraft()) {
    this.begin = begin;
  }

  get(digest: string): StoredBlob | undefined {
    return this.#blobs.get(digest);
  }

  /** Keeps what was received under `digest`, which the caller has compared. */
  async keep(draft: BlobDraft, digest: string): Promise<void> {
    this.#blobs.set(digest, await draft.keep(digest));
  }
}

/** Large enough that a blob costs few turns, small enough that a reader who leaves is noticed soon. */
export const CHUNK_SIZE = 1 << 20;

/** What is set aside on a client's word; memory that is not written to costs nothing. */
const MAX_RESERVED = 1 << 30;

/** A blob in memory. It is served as parts of the one buffer that it lies in, never copied. */
class MemoryDraft implements BlobDraft {
  #buffer = Buffer.allocUnsafeSlow(0);
  readonly #hash = createHash('sha256');
  size = 0;

  expect(bytes: number): void {
    this.#grow(this.size + Math.min(bytes, MAX_RESERVED));
  }

  async append(chunk: Uint8Array): Promise<void> {
    const end = this.size + chunk.length;
    this.#grow(end);
    this.#buffer.set(chunk, this.size);
    this.#hash.update(chunk);
    this.size = end;
  }

  async digest(algorithm: 'sha256' | 'sha512'): Promise<string> {
    const hash = algorithm === 'sha256' ? this.#hash.copy() : createHash(algorithm).update(this.#bytes());
    return `${algorithm}:${hash.digest('hex')}`;
  }

  async discard(): Promise<void> {
    this.#buffer = Buffer.allocUnsafeSlow(0);
    this.size = 0;
  }

  async keep(): Promise<StoredBlob> {
    const bytes = this.#bytes();
    return {
      size: bytes.length,
      async *chunks(offset, length) {
        const end = offset + length;
        for (let at = offset; at < end; at += CHUNK_SIZE) yield bytes.subarray(at, Math.min(at + CHUNK_SIZE, end));
      },
    };
  }

  #bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.size);
  }

  /** By doubling at least, so that many parts are not each moved many times. */
  #grow(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
    larger.set(this.#bytes());
    this.#buffer = larger;
  }
}
