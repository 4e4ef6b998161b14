import { ZtocError } from '../errors.ts';
import type { GzipCheckpoint } from './checkpoint.ts';
import { GzipDecoder } from './gzip-decoder.ts';

/** Raised to leave the decoder once a span has given what it was asked for. */
const ENOUGH = Symbol('enough');

/**
 * Inflates a span of a gzip layer, and the members that begin inside it.
 *
 * @param compressed The span's bytes: from the checkpoint's partly used byte, if it has one, to the next checkpoint or the
 *   layer's end.
 * @param checkpoint Where the span begins.
 * @param length Bytes of output that are wanted from the checkpoint on; what the span has beyond them is not looked at.
 * @returns Exactly `length` bytes.
 * @throws {ZtocError} `GZIP_*` when the bytes are not deflate data, or give fewer bytes than that. Offsets count in the span.
 */
export function inflateSpan(compressed: Uint8Array, checkpoint: GzipCheckpoint, length: number): Uint8Array {
  const output = new Uint8Array(length);
  readSpan(compressed, checkpoint, length, (bytes, offset) => output.set(bytes, offset));
  return output;
}

/**
 * Inflates a span as {@link inflateSpan} does, and keeps the end of it only: to look whether it comes to what is known of its
 * end, in little memory.
 *
 * @param size Bytes that are kept, at the most.
 * @returns The last `size` bytes of the `length` bytes; all of them where they are fewer.
 * @throws {ZtocError} as {@link inflateSpan}.
 */
export function inflateSpanEnd(
  compressed: Uint8Array,
  checkpoint: GzipCheckpoint,
  length: number,
  size: number,
): Uint8Array {
  const start = Math.max(0, length - size);
  const output = new Uint8Array(length - start);
  readSpan(compressed, checkpoint, length, (bytes, offset) => {
    if (offset + bytes.length <= start) return;
    const skipped = Math.max(0, start - offset);
    output.set(bytes.subarray(skipped), offset + skipped - start);
  });
  return output;
}

/** Hands out the first `length` bytes of a span in pieces, each valid until the next, with where they begin. */
function readSpan(
  compressed: Uint8Array,
  checkpoint: GzipCheckpoint,
  length: number,
  onBytes: (bytes: Uint8Array, offset: number) => void,
): void {
  let filled = 0;
  const decoder = new GzipDecoder(
    {
      output: (bytes) => {
        const count = Math.min(bytes.length, length - filled);
        onBytes(count === bytes.length ? bytes : bytes.subarray(0, count), filled);
        filled += count;
        if (filled === length) throw ENOUGH;
      },
    },
    { start: checkpoint },
  );
  try {
    decoder.push(compressed);
    decoder.flush();
  } catch (reason) {
    if (reason !== ENOUGH) throw reason;
  } finally {
    decoder.close();
  }
  if (filled < length) {
    throw new ZtocError(
      'GZIP_TRUNCATED',
      `the span inflates to ${filled} bytes where ${length} were expected: the zTOC does not describe this layer`,
      { offset: compressed.length },
    );
  }
}
