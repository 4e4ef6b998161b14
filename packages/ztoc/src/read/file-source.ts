import { open } from 'node:fs/promises';
import { ZtocError } from '../errors.ts';
import { type RandomAccessSource, requireRange } from './random-access-source.ts';

/** A layer in an open file. Close it after use, or declare it with `await using`. */
export interface FileSource extends RandomAccessSource, AsyncDisposable {
  /** Closes the file. Later reads fail with `SOURCE_READ_FAILED`. */
  close(): Promise<void>;
}

/**
 * Opens a layer in a file.
 * @throws {ZtocError} `SOURCE_READ_FAILED` if it cannot be opened or is not a regular file.
 */
export async function fileSource(path: string | URL): Promise<FileSource> {
  const file = await open(path).catch((error: unknown) => {
    throw new ZtocError('SOURCE_READ_FAILED', `cannot open ${path}`, { cause: error });
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new ZtocError('SOURCE_READ_FAILED', `${path} is not a regular file`);
  }
  const { size } = stat;
  const close = () => file.close();
  return {
    size,
    async read(offset, length, { signal, buffer } = {}) {
      requireRange(size, offset, length);
      const bytes = buffer?.subarray(0, length) ?? new Uint8Array(length);
      for (let filled = 0; filled < length; ) {
        signal?.throwIfAborted();
        const position = offset + filled;
        const { bytesRead } = await file.read(bytes, filled, length - filled, position).catch((cause: unknown) => {
          const message = `cannot read ${path} at offset ${position}`;
          throw new ZtocError('SOURCE_READ_FAILED', message, { cause, offset: position });
        });
        if (bytesRead === 0) {
          const message = `${path} ends at offset ${position}, expected ${size} bytes. Was it truncated?`;
          throw new ZtocError('SOURCE_READ_FAILED', message, { offset: position });
        }
        filled += bytesRead;
      }
      return bytes;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
