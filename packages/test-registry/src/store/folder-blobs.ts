import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BlobDraft, BlobStore, CHUNK_SIZE, type StoredBlob } from './blob-store.ts';

/** Blobs in a folder, each a file named by its digest: `sha256/<hex>`. Memory does not grow with them. */
export function openFolderBlobs(folder: string): BlobStore {
  return new BlobStore(async () => {
    const path = join(folder, 'uploads', randomUUID());
    await mkdir(dirname(path), { recursive: true });
    return new FileDraft(folder, path, await open(path, 'wx+'));
  });
}

class FileDraft implements BlobDraft {
  readonly #folder: string;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  size = 0;

  constructor(folder: string, path: string, file: FileHandle) {
    this.#folder = folder;
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

  async keep(digest: string): Promise<StoredBlob> {
    await this.#file.close();
    const path = join(this.#folder, digest.replace(':', '/'));
    await mkdir(dirname(path), { recursive: true });
    await rename(this.#path, path);
    return { size: this.size, chunks: (offset, length) => readFile(path, offset, length) };
  }
}

/** One buffer is read into again and again: what is served costs no garbage. */
async function* readFile(path: string, offset: number, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_SIZE, length));
    for (let left = length, at = offset; left > 0; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, left), at);
      if (bytesRead === 0) throw new Error(`${path} ended ${left} bytes early`);
      yield buffer.subarray(0, bytesRead);
      left -= bytesRead;
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}
