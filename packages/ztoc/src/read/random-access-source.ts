import { ZtocError } from '../errors.ts';

/** What a read may be told beside its range. */
export interface ReadOptions {
  /** Ends the read early: it then throws the signal's reason. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** A layer's bytes wherever they are: memory, a file, an HTTP server. Nothing here is trusted: spans are verified. */
export interface RandomAccessSource {
  /** Bytes of the layer. */
  readonly size: number;
  /**
   * Reads exactly `length` bytes from `offset`. The result must not change afterwards.
   * @throws {ZtocError} `SOURCE_READ_FAILED` if the range does not exist or the read fails. The signal's reason if it is aborted.
   */
  read(offset: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
}

/** A source over bytes in memory: reads are views of them. */
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

/** Throws `SOURCE_READ_FAILED` unless a range lies within a source. */
export function requireRange(size: number, offset: number, length: number): void {
  if (isRange(offset, length) && offset + length <= size) return;
  const message = `${length} bytes at ${offset} are asked for, and the layer has ${size}`;
  throw new ZtocError('SOURCE_READ_FAILED', message, { offset });
}

/** Whether both are whole numbers from 0 up. */
export function isRange(offset: number, length: number): boolean {
  return Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
}
