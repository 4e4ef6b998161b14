import type { FetchOptions } from '../content.ts';
import { OciError } from '../errors.ts';

/** Reads at a position, as a Node `FileHandle` does. */
export interface PositionalReader {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** A stretch of an open file: a whole file of a folder, or a member of an archive. */
export interface FileSpan {
  readonly file: PositionalReader;
  /** Where the stretch begins in `file`. */
  readonly start: number;
  /** Its length in bytes. */
  readonly size: number;
  /** Gives back what was opened for this stretch alone. */
  close(): Promise<void>;
}

/** Few enough calls to reach a disk's speed, small enough for two at a time to cost nothing. */
const CHUNK_SIZE = 1 << 20;

/**
 * Yields a span in chunks and reads one ahead. Each chunk has a buffer of its own, out of no pool, so that it can be
 * transferred; under `reuseChunks` two buffers alternate. `name` is for error messages.
 */
export async function* readSpan(
  span: FileSpan,
  name: string,
  { reuseChunks = false, signal }: FetchOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const makeBuffer = () => allocate(Math.min(CHUNK_SIZE, span.size));
  const buffers = reuseChunks ? [makeBuffer(), makeBuffer()] : undefined;
  const readNext = (position: number) => {
    const buffer = buffers?.[(position / CHUNK_SIZE) % 2] ?? allocate(Math.min(CHUNK_SIZE, span.size - position));
    return fill(buffer.subarray(0, span.size - position), span, position, name);
  };
  let position = 0;
  let next = span.size > 0 ? readNext(0) : undefined;
  try {
    while (next !== undefined) {
      const chunk = await next;
      next = undefined;
      signal?.throwIfAborted();
      position += chunk.length;
      if (position < span.size) next = readNext(position);
      yield chunk;
    }
  } finally {
    // A receiver that stops early leaves a read under way: nobody may close the file before it ends.
    await next?.catch(() => {});
  }
}

/** Exactly `length` bytes from `offset` of a span. */
export async function readAt(span: FileSpan, offset: number, length: number, name: string): Promise<Uint8Array> {
  return fill(allocate(length), span, offset, name);
}

async function fill(buffer: Uint8Array, span: FileSpan, offset: number, name: string): Promise<Uint8Array> {
  let filled = 0;
  while (filled < buffer.length) {
    const position = span.start + offset + filled;
    const { bytesRead } = await span.file
      .read(buffer, filled, buffer.length - filled, position)
      .catch((cause: unknown) => {
        const message = `${name} cannot be read at byte ${offset + filled}: ${String(cause)}`;
        throw new OciError('READ_FAILED', message, { cause });
      });
    if (bytesRead === 0) {
      const message = `${name} ended after ${offset + filled} of ${span.size} bytes while it was read`;
      throw new OciError('SIZE_MISMATCH', message);
    }
    filled += bytesRead;
  }
  return buffer;
}

/** Memory outside Buffer's pool, not cleared: all of it is written before anybody sees it. */
function allocate(size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
