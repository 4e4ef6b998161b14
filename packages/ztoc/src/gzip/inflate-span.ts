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
  let filled = 0;
  const decoder = new GzipDecoder(
    {
      output: (bytes) => {
        const count = Math.min(bytes.length, length - filled);
        output.set(count === bytes.length ? bytes : bytes.subarray(0, count), filled);
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
  return output;
}
