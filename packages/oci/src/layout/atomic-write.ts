import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { messageOf, OciError } from '../errors.ts';
import { draftPath } from './draft-name.ts';

/** Writes a file atomically. @throws OciError `WRITE_FAILED`; errors of `chunks`, unchanged. */
export async function writeFileAtomically(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await createAtomically(path, async (temporaryFile) => {
    const file = await wrapWriteError(path, open(temporaryFile, 'wx'));
    try {
      for await (const chunk of chunks) await wrapWriteError(path, writeAll(file, chunk));
    } finally {
      await file.close();
    }
  });
}

/** Calls `create` to write a temporary file next to `path`, and renames it to `path`. Removes it on failure. */
export async function createAtomically(path: string, create: (temporaryFile: string) => Promise<void>): Promise<void> {
  const temporaryFile = draftPath(path);
  try {
    await create(temporaryFile);
    await wrapWriteError(path, rename(temporaryFile, path));
  } catch (error) {
    await rm(temporaryFile, { force: true });
    throw error;
  }
}

/** Wraps a system error in a `WRITE_FAILED` error that names the path. */
export async function wrapWriteError<T>(path: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    throw new OciError('WRITE_FAILED', `cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Writes a whole chunk. */
export async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written);
    written += bytesWritten;
  }
}
