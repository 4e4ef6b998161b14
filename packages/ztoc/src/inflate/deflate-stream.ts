import type { InflateStatus } from './inflater.ts';

/**
 * A deflate decoder (RFC 1951) of one layer, in this thread or in another one. It can stop before any block
 * header. Views of its memory are valid until the next {@link run} or {@link feed}.
 */
export interface DeflateStream {
  /** Bytes of the compressed stream consumed, including a partly used one. */
  readonly inputOffset: number;
  /** Unused bits (0 to 7) of the last consumed byte. */
  readonly unusedBits: number;
  /** Bytes decompressed so far. */
  readonly outputOffset: number;
  /** Input that is not consumed yet, or the first part of it. */
  readonly pendingInput: Uint8Array;
  /** The last 32 KiB of output, padded with zeros at the start. */
  readonly window: Uint8Array;
  /** Whether {@link run} can continue without more input, although it has returned `need-input`. */
  readonly isBehind: boolean;
  /**
   * Takes bytes from `start` until no more fit.
   * @param keepFrom Offset in the compressed stream from which {@link inputBetween} must still find the bytes.
   * @returns Number of bytes taken; 0 if the input is full until `run` makes progress.
   */
  feed(bytes: Uint8Array, start: number, keepFrom: number): number;
  /** Returns the bytes of the compressed stream from an offset, up to another one or less far, but at least one. */
  inputBetween(from: number, to: number): Uint8Array;
  /** Skips `count` bytes of input between two deflate streams. */
  skipInput(count: number): void;
  /** Starts a deflate stream at the next byte of input. @param isGzip Whether it is that of a gzip member. */
  beginMember(isGzip: boolean): void;
  /** After `at-end`: returns unused whole bytes to the input, which continues after the deflate stream. */
  endMember(): void;
  /** Makes {@link run} return `at-boundary` before every block header after more than `offset` bytes of output. */
  stopAfter(offset: number): void;
  /**
   * Decodes until it needs input or output space, or reaches a boundary or the end of the deflate stream.
   * @param waits Waits for another thread, unless it needs input.
   */
  run(waits: boolean): InflateStatus;
  /** Returns the output since the last call. */
  takeOutput(): Uint8Array;
  /** Frees output space after all output was taken. */
  makeRoom(): void;
  /** Adds output of {@link takeOutput} to the CRC-32 of the current deflate stream. */
  addToCrc(output: Uint8Array): void;
  /** Returns the CRC-32 of the output that was added. Add no more until the next stream begins. */
  finishCrc(): number;
  /** Ends the use of the decoder. Use neither this object nor its views afterwards. */
  close(): void;
}
