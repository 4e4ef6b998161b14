import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BlobStore, type BlobWriter, CHUNK_SIZE, type StoredBlob } from './blob-store.ts';

/**
 * Opens a blob store in a folder, with one file per blob named by its digest: `sha256/<hex>`. Its memory does not grow
 * with the blobs.
 */
export function openFolderBlobs(folder: string): BlobStore {
  return new BlobStore(async () => {
    const path = join(folder, 'uploads', randomUUID());
    await mkdir(dirname(path), { recursive: true });
    return new FileBlobWriter(folder, path, await open(path, 'wx+'));
  });
}

class FileBlobWriter implements BlobWriter {
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

  reserve(): void {}

  async write(chunk: Uint8Array): Promise<void> {
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

  async cancel(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async commit(digest: string): Promise<StoredBlob> {
    await this.#file.close();
    const path = join(this.#folder, digest.replace(':', '/'));
    await mkdir(dirname(path), { recursive: true });
    await rename(this.#path, path);
    return { size: this.size, chunks: (offset, length) => readFile(path, offset, length) };
  }
}

/** Reads into one reused buffer, so that serving a blob creates no garbage. */
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
