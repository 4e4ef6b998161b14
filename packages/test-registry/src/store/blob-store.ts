import { createHash } from 'node:crypto';

/** Receives a blob. */
export interface BlobWriter {
  /** Number of bytes received so far. */
  readonly size: number;
  /** Writes the next bytes. The chunk may be reused when the promise resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Hint about the number of bytes that follow, to allocate memory once. */
  reserve(bytes: number): void;
  /** Returns the digest of the received bytes. */
  digest(algorithm: 'sha256' | 'sha512'): Promise<string>;
  /** Discards the received bytes. */
  cancel(): Promise<void>;
  /** Completes the blob, which can no longer be changed. */
  commit(digest: string): Promise<StoredBlob>;
}

/** An immutable blob, in memory or in a file. */
export interface StoredBlob {
  /** Size in bytes. */
  readonly size: number;
  /** Yields `length` bytes from `offset`. A chunk is valid until the next iteration. */
  chunks(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined>;
}

/** Stores blobs by digest, shared by all repositories. */
export class BlobStore {
  readonly #blobs = new Map<string, StoredBlob>();
  /** Creates a writer for a new blob. */
  readonly createWriter: () => Promise<BlobWriter>;

  /** @param createWriter - Creates writers. @default in memory */
  constructor(createWriter: () => Promise<BlobWriter> = async () => new MemoryBlobWriter()) {
    this.createWriter = createWriter;
  }

  get(digest: string): StoredBlob | undefined {
    return this.#blobs.get(digest);
  }

  /** Stores the received blob under `digest`, which the caller has verified. */
  async commit(writer: BlobWriter, digest: string): Promise<void> {
    this.#blobs.set(digest, await writer.commit(digest));
  }
}

/** 1 MiB: large enough for few iterations, small enough to notice a disconnected client soon. */
export const CHUNK_SIZE = 1 << 20;

/** Maximum memory that is reserved for a declared size. Memory that is not written to costs nothing. */
const MAX_RESERVED = 1 << 30;

/** Receives a blob into memory. It is served as views of one buffer, without copying. */
class MemoryBlobWriter implements BlobWriter {
  #buffer = Buffer.allocUnsafeSlow(0);
  readonly #hash = createHash('sha256');
  size = 0;

  reserve(bytes: number): void {
    this.#grow(this.size + Math.min(bytes, MAX_RESERVED));
  }

  async write(chunk: Uint8Array): Promise<void> {
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

  async cancel(): Promise<void> {
    this.#buffer = Buffer.allocUnsafeSlow(0);
    this.size = 0;
  }

  async commit(): Promise<StoredBlob> {
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

  /** At least doubles the buffer, so that many chunks do not each cause a copy. */
  #grow(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
    larger.set(this.#bytes());
    this.#buffer = larger;
  }
}
