import { ZtocError } from '../errors.ts';

/** Options of a read. */
export interface ReadOptions {
  /** Aborts the read, which then throws the reason of the signal. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link RandomAccessSource.read}. */
export interface SourceReadOptions extends ReadOptions {
  /**
   * Memory that the source may use for the result, at least as large as the range. A source may ignore it.
   * @default none: the result must not change afterwards
   */
  readonly buffer?: Uint8Array | undefined;
}

/** Random access to the bytes of a layer, for example in memory, in a file or on an HTTP server. Spans are verified. */
export interface RandomAccessSource {
  /** Size of the layer in bytes. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `offset`. The result must not change afterwards, unless it is in
   * `buffer`.
   * @throws {ZtocError} `SOURCE_READ_FAILED` if the range is invalid or the read fails. The reason of the signal if it
   * is aborted.
   */
  read(offset: number, length: number, options?: SourceReadOptions): Promise<Uint8Array>;
}

/** Creates a source from bytes in memory. Reads return views of `bytes`, not copies. */
export function bytesSource(bytes: Uint8Array): RandomAccessSource {
  return {
    size: bytes.length,
    async read(offset, length, { signal } = {}) {
      signal?.throwIfAborted();
      requireRange(bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/**
 * Reads from a source, and checks the number of bytes that it returns.
 * @param buffer Memory that the source may use for the result.
 * @throws {ZtocError} `SOURCE_READ_FAILED`, with the error of the source as the cause. The reason of the signal if it is
 * aborted.
 */
export async function readFrom(
  source: RandomAccessSource,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
  buffer?: Uint8Array,
): Promise<Uint8Array> {
  try {
    const bytes = await source.read(offset, length, { signal, buffer });
    if (bytes.length === length) return bytes;
    throw new Error(`the source returned ${bytes.length} bytes`);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ZtocError) throw error;
    const message = `cannot read ${length} bytes at offset ${offset} of the layer`;
    throw new ZtocError('SOURCE_READ_FAILED', message, { cause: error, offset });
  }
}

/** Throws `SOURCE_READ_FAILED` unless a range is within a source. */
export function requireRange(size: number, offset: number, length: number): void {
  if (isRange(offset, length) && offset + length <= size) return;
  const message = `cannot read ${length} bytes at offset ${offset} of a layer of ${size} bytes`;
  throw new ZtocError('SOURCE_READ_FAILED', message, { offset });
}

/** Reports whether both are safe integers of at least 0. */
export function isRange(offset: number, length: number): boolean {
  return Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
}
