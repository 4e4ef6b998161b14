import { type FileHandle, open } from 'node:fs/promises';
import { ZtocError } from '../errors.ts';
import { type RandomAccessSource, type ReadOptions, requireRange } from './random-access-source.ts';

/** A source over an open file: close it when done, or declare it with `await using`. */
export interface FileSource extends RandomAccessSource, AsyncDisposable {
  /** Closes the file; later reads fail with `SOURCE_READ_FAILED`. */
  close(): Promise<void>;
}

/**
 * Opens a layer that lies in a file.
 * @throws {ZtocError} `SOURCE_READ_FAILED` when it cannot be opened or is no regular file.
 */
export async function fileSource(path: string | URL): Promise<FileSource> {
  const file = await open(path).catch((error: unknown) => {
    throw new ZtocError('SOURCE_READ_FAILED', `${path} cannot be opened`, { cause: error });
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new ZtocError('SOURCE_READ_FAILED', `${path} is not a regular file`);
  }
  return new OpenFileSource(String(path), file, stat.size);
}

class OpenFileSource implements FileSource {
  readonly size: number;
  readonly #path: string;
  readonly #file: FileHandle;

  constructor(path: string, file: FileHandle, size: number) {
    this.size = size;
    this.#path = path;
    this.#file = file;
  }

  async read(offset: number, length: number, { signal }: ReadOptions = {}): Promise<Uint8Array> {
    requireRange(this.size, offset, length);
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      signal?.throwIfAborted();
      const bytesRead = await this.#readSome(bytes, filled, offset + filled);
      if (bytesRead === 0) {
        throw new ZtocError(
          'SOURCE_READ_FAILED',
          `${this.#path} ends at ${offset + filled}: it had ${this.size} bytes`,
          {
            offset: offset + filled,
          },
        );
      }
      filled += bytesRead;
    }
    return bytes;
  }

  async #readSome(bytes: Uint8Array, filled: number, position: number): Promise<number> {
    try {
      return (await this.#file.read(bytes, filled, bytes.length - filled, position)).bytesRead;
    } catch (error) {
      throw new ZtocError('SOURCE_READ_FAILED', `${this.#path} cannot be read at ${position}`, {
        cause: error,
        offset: position,
      });
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
