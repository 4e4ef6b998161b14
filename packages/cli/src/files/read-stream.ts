import { constants, createReadStream, open } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

/** Bytes per read. */
const CHUNK_SIZE = 1 << 18;

/** Reports whether a path is that of a pipe, such as `<(command)` of a shell. */
export async function isPipe(path: string): Promise<boolean> {
  return process.platform !== 'win32' && (await stat(path).catch(() => undefined))?.isFIFO() === true;
}

/**
 * Reads a file or a pipe from start to end. A pipe can be idle, or have no program that writes to it: a read in a thread
 * would then wait, and the process could not even exit. A socket waits in the event loop.
 *
 * @throws errors of the file system; the abort reason of `signal`
 */
export async function* readStream(path: string, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  try {
    const stream = (await isPipe(path))
      ? await openPipe(path, signal)
      : createReadStream(path, { highWaterMark: CHUNK_SIZE, signal });
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Reads a file or a pipe. Returns undefined if it has more than `limit` bytes. @throws as {@link readStream} */
export async function readUpTo(path: string, limit: number, signal: AbortSignal): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of readStream(path, signal)) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Opens a pipe without waiting for a program that writes to it. */
async function openPipe(path: string, signal: AbortSignal): Promise<Socket> {
  const fd = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false, signal });
}
