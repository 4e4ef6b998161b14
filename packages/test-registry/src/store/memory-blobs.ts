import { createHash } from 'node:crypto';
import { type BlobDraft, type BlobStore, CHUNK_SIZE, type StoredBlob } from './blob-store.ts';

/** Blobs in memory. They are served as parts of the one buffer that each lies in, never copied. */
export class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<string, MemoryBlob>();

  get(digest: string): StoredBlob | undefined {
    return this.#blobs.get(digest);
  }

  async begin(): Promise<MemoryDraft> {
    return new MemoryDraft();
  }

  async keep(draft: MemoryDraft, digest: string): Promise<void> {
    this.#blobs.set(digest, new MemoryBlob(draft.bytes()));
  }
}

/** A blob that lies in memory. */
export class MemoryBlob implements StoredBlob {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  async *chunks(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
    const end = offset + length;
    for (let at = offset; at < end; at += CHUNK_SIZE) yield this.#bytes.subarray(at, Math.min(at + CHUNK_SIZE, end));
  }
}

class MemoryDraft implements BlobDraft {
  #buffer = Buffer.allocUnsafeSlow(0);
  #hash = createHash('sha256');
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
    const hash = algorithm === 'sha256' ? this.#hash.copy() : createHash(algorithm).update(this.bytes());
    return `${algorithm}:${hash.digest('hex')}`;
  }

  async discard(): Promise<void> {
    this.#buffer = Buffer.allocUnsafeSlow(0);
    this.size = 0;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.size);
  }

  /** By doubling at least, so that many parts are not each moved many times. */
  #grow(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length));
    larger.set(this.bytes());
    this.#buffer = larger;
  }
}

/** What is set aside on a client's word; memory that is not written to costs nothing. */
const MAX_RESERVED = 1 << 30;
