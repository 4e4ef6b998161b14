import { ZtocError } from '../errors.ts';
import type { GzipCheckpoint } from '../gzip/checkpoints.ts';
import { GzipDecoder } from '../gzip/gzip-decoder.ts';
import { digestOf } from '../hashes.ts';
import type { Span } from './list-spans.ts';

/**
 * Inflates a span. The digest is not checked; {@link checkSpan} does that.
 * @param span A span of a zTOC.
 * @param compressed Bytes of the layer from `compressedStart` to `compressedEnd` of the span.
 * @returns The bytes from `uncompressedStart` to `uncompressedEnd`; `compressed` itself for an uncompressed layer.
 * @throws {ZtocError} `GZIP_*` if the bytes are not deflate data or too short. Offsets are relative to the span.
 */
export function inflateSpan(span: Span, compressed: Uint8Array): Uint8Array {
  const { checkpoint, uncompressedStart, uncompressedEnd } = span;
  return checkpoint === undefined
    ? compressed
    : inflateFrom(compressed, checkpoint, uncompressedEnd - uncompressedStart);
}

/** Result of {@link checkSpan}. */
export type SpanCheck =
  | { readonly outcome: 'valid' }
  | {
      /** `content-mismatch`: the digest matches, but the bytes do not inflate to the content described by the zTOC. */
      readonly outcome: 'digest-mismatch' | 'content-mismatch';
      /** What does not match, with the ID of the span. */
      readonly reason: string;
    };

/**
 * Verifies one span without the rest of its layer: its digest, and that it inflates to output that ends like the window
 * in the checkpoint of the next span. That window was recorded when the layer was decompressed from its start, so a
 * span that inflates to it belongs to this layer. Needs a few hundred KiB of memory, independent of the size of the
 * span.
 * @param span A span of a zTOC.
 * @param compressed Bytes of the layer from `compressedStart` to `compressedEnd` of the span.
 * @param next The next span; `undefined` for the last span, which is only checked for its digest and inflated.
 */
export function checkSpan(span: Span, compressed: Uint8Array, next: Span | undefined): SpanCheck {
  const { id, checkpoint, digest, compressedStart, compressedEnd, uncompressedStart, uncompressedEnd } = span;
  if (digestOf(compressed) !== digest) {
    const location = `bytes ${compressedStart} to ${compressedEnd} of the layer`;
    return { outcome: 'digest-mismatch', reason: `span ${id} (${location}) does not have the digest ${digest}` };
  }
  if (checkpoint === undefined) return { outcome: 'valid' };
  const window = next?.checkpoint?.window ?? new Uint8Array(0);
  try {
    const end = inflateFrom(compressed, checkpoint, uncompressedEnd - uncompressedStart, window.length);
    const expected = window.subarray(window.length - end.length);
    if (end.every((byte, i) => byte === expected[i])) return { outcome: 'valid' };
    return {
      outcome: 'content-mismatch',
      reason: `span ${id} does not inflate to the data in the checkpoint of span ${id + 1}`,
    };
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    const reason = `cannot inflate span ${id} from its checkpoint: ${error.message}`;
    return { outcome: 'content-mismatch', reason };
  }
}

/** Thrown to stop the decoder after the requested output. */
const ENOUGH = Symbol('enough');

/**
 * Inflates from a checkpoint, including the members that start after it.
 * @param compressed Bytes from the partly used byte of the checkpoint, if it has one.
 * @param length Number of output bytes to inflate. Further output is ignored.
 * @param size Maximum number of bytes to keep from the end of that output. @default all
 * @throws {ZtocError} As {@link inflateSpan}.
 */
export function inflateFrom(
  compressed: Uint8Array,
  checkpoint: GzipCheckpoint,
  length: number,
  size: number = length,
): Uint8Array {
  const start = Math.max(0, length - size);
  const kept = new Uint8Array(length - start);
  let filled = 0;
  const takeOutput = (output: Uint8Array): void => {
    const end = Math.min(filled + output.length, length);
    const skipped = Math.max(0, start - filled);
    if (filled + skipped < end) kept.set(output.subarray(skipped, end - filled), filled + skipped - start);
    filled = end;
    if (filled === length) throw ENOUGH;
  };
  const decoder = new GzipDecoder({ output: takeOutput }, { start: checkpoint });
  try {
    decoder.push(compressed);
    decoder.flush();
  } catch (reason) {
    if (reason !== ENOUGH) throw reason;
  } finally {
    decoder.close();
  }
  if (filled < length) {
    const message = `the span inflates to ${filled} bytes, expected ${length}: the zTOC does not describe this layer`;
    throw new ZtocError('GZIP_TRUNCATED', message, { offset: compressed.length });
  }
  return kept;
}
