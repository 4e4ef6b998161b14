import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobDraft, type BlobStore, CHUNK_SIZE, type StoredBlob } from './blob-store.ts';

/** Blobs in a folder, each a file named by its digest: `sha256/<hex>`. Memory does not grow with them. */
export class FolderBlobs implements BlobStore {
  readonly #folder: string;
  readonly #blobs = new Map<string, FileBlob>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get(digest: string): StoredBlob | undefined {
    return this.#blobs.get(digest);
  }

  async begin(): Promise<FileDraft> {
    const folder = join(this.#folder, 'uploads');
    await mkdir(folder, { recursive: true });
    const path = join(folder, randomUUID());
    return new FileDraft(path, await open(path, 'wx+'));
  }

  async keep(draft: FileDraft, digest: string): Promise<void> {
    const [algorithm = '', hex = ''] = digest.split(':');
    const folder = join(this.#folder, algorithm);
    await mkdir(folder, { recursive: true });
    const path = join(folder, hex);
    await draft.moveTo(path);
    this.#blobs.set(digest, new FileBlob(path, draft.size));
  }
}

/** A blob that lies in a file. One buffer is read into again and again: what is served costs no garbage. */
class FileBlob implements StoredBlob {
  readonly #path: string;
  readonly size: number;

  constructor(path: string, size: number) {
    this.#path = path;
    this.size = size;
  }

  async *chunks(offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
    const file = await open(this.#path, 'r');
    try {
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_SIZE, length));
      for (let left = length, at = offset; left > 0; ) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, left), at);
        if (bytesRead === 0) throw new Error(`${this.#path} ended ${left} bytes early`);
        yield buffer.subarray(0, bytesRead);
        left -= bytesRead;
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }
}

class FileDraft implements BlobDraft {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  size = 0;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  expect(): void {}

  async append(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#file.write(chunk, written, chunk.length - written, this.size + written);
      written += bytesWritten;
    }
    this.size += chunk.length;
  }

  async digest(algorithm: 'sha256' | 'sha512'): Promise<string> {
    if (algorithm === 'sha256') return `sha256:${this.#hash.copy().digest('hex')}`;
    const hash = createHash(algorithm);
    for await (const chunk of createReadStream(this.#path)) hash.update(chunk as Buffer);
    return `${algorithm}:${hash.digest('hex')}`;
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async moveTo(path: string): Promise<void> {
    await this.#file.close();
    await rename(this.#path, path);
  }
}
