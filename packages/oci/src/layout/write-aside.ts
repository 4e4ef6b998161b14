import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { OciError } from '../errors.ts';

/** An unused name next to `path`. */
export function asidePath(path: string): string {
  return `${path}.tmp-${randomBytes(6).toString('hex')}`;
}

/** Writes a file whole or not at all. @throws OciError `WRITE_FAILED`; what `chunks` throws, untouched. */
export async function writeAside(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await placeAside(path, async (aside) => {
    const file = await writing(path, open(aside, 'wx'));
    try {
      for await (const chunk of chunks) await writing(path, writeAll(file, chunk));
    } finally {
      await file.close();
    }
  });
}

/** Has `make` write a file next to `path`, then renames it into place; removes it if that fails. */
export async function placeAside(path: string, make: (aside: string) => Promise<void>): Promise<void> {
  const aside = asidePath(path);
  try {
    await make(aside);
    await writing(path, rename(aside, path));
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/** Says of a failure of the operating system what could not be written. */
export async function writing<T>(path: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    throw new OciError('WRITE_FAILED', `${path} cannot be written: ${String(cause)}`, { cause });
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written);
    written += bytesWritten;
  }
}
