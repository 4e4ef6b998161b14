import type { FetchOptions } from '../content.ts';
import { messageOf, OciError } from '../errors.ts';

/** Reads at a position, like a Node.js `FileHandle`. */
export interface PositionalReader {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** A section of an open file: a whole file of a folder, or a member of an archive. */
export interface FileSection {
  readonly file: PositionalReader;
  /** Offset of the section in `file`. */
  readonly start: number;
  /** Size in bytes. */
  readonly size: number;
  /** Closes `file` if it was opened only for this section. */
  close(): Promise<void>;
}

/** Large enough to reach the speed of a disk, small enough that two buffers use little memory. */
const CHUNK_SIZE = 1 << 20;

/**
 * Yields a section in chunks and reads one chunk ahead. Each chunk has its own, unpooled buffer, so that it can be
 * transferred. With `reuseChunks`, two buffers alternate. `name` is for error messages.
 */
export async function* readSection(
  section: FileSection,
  name: string,
  { reuseChunks = false, signal }: FetchOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const makeBuffer = () => allocate(Math.min(CHUNK_SIZE, section.size));
  const buffers = reuseChunks ? [makeBuffer(), makeBuffer()] : undefined;
  const readNext = (position: number) => {
    const buffer = buffers?.[(position / CHUNK_SIZE) % 2] ?? allocate(Math.min(CHUNK_SIZE, section.size - position));
    return fill(buffer.subarray(0, section.size - position), section, position, name);
  };
  let position = 0;
  let next = section.size > 0 ? readNext(0) : undefined;
  try {
    while (next !== undefined) {
      const chunk = await next;
      next = undefined;
      signal?.throwIfAborted();
      position += chunk.length;
      if (position < section.size) next = readNext(position);
      yield chunk;
    }
  } finally {
    // If the receiver stops early, a read is still pending. The file must not be closed before it ends.
    await next?.catch(() => {});
  }
}

/** Reads exactly `length` bytes from `offset` of a section. @param buffer - Memory for them. */
export async function readSectionAt(
  section: FileSection,
  offset: number,
  length: number,
  name: string,
  buffer?: Uint8Array,
): Promise<Uint8Array> {
  return fill(buffer?.subarray(0, length) ?? allocate(length), section, offset, name);
}

async function fill(buffer: Uint8Array, section: FileSection, offset: number, name: string): Promise<Uint8Array> {
  let filled = 0;
  while (filled < buffer.length) {
    const position = section.start + offset + filled;
    const { bytesRead } = await section.file
      .read(buffer, filled, buffer.length - filled, position)
      .catch((cause: unknown) => {
        const message = `cannot read ${name} at byte ${offset + filled}: ${messageOf(cause)}`;
        throw new OciError('READ_FAILED', message, { cause });
      });
    if (bytesRead === 0) {
      const message = `${name} ends after ${offset + filled} of ${section.size} bytes. Was it truncated while it was read?`;
      throw new OciError('SIZE_MISMATCH', message);
    }
    filled += bytesRead;
  }
  return buffer;
}

/** Allocates unpooled memory that is not zeroed, because all of it is overwritten. */
function allocate(size: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}
