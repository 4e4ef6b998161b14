import { ZtocError } from '../errors.ts';
import type { GzipCheckpoint } from '../gzip/checkpoints.ts';
import { GzipDecoder } from '../gzip/gzip-decoder.ts';
import { digestOf } from '../hashes.ts';
import type { Span } from './list-spans.ts';

/**
 * Returns the part of the uncompressed stream that a span holds. Its digest is not checked: {@link checkSpan} does that.
 * @param span One of the spans of a zTOC.
 * @param compressed The bytes of the layer from `compressedStart` to `compressedEnd` of the span.
 * @returns All bytes from `uncompressedStart` to `uncompressedEnd`; `compressed` itself in an uncompressed layer.
 * @throws {ZtocError} `GZIP_*` if the bytes are not deflate data or give fewer bytes. Offsets count in the span.
 */
export function inflateSpan(span: Span, compressed: Uint8Array): Uint8Array {
  const { checkpoint, uncompressedStart, uncompressedEnd } = span;
  return checkpoint === undefined
    ? compressed
    : inflateFrom(compressed, checkpoint, uncompressedEnd - uncompressedStart);
}

/** What {@link checkSpan} found. */
export type SpanCheck =
  | { readonly outcome: 'valid' }
  | {
      /** Whether the bytes have another digest, or the right one and do not inflate to what the zTOC was made from. */
      readonly outcome: 'digest-mismatch' | 'content-mismatch';
      /** What is wrong, with the number of the span. */
      readonly reason: string;
    };

/**
 * Checks one span without the rest of its layer: that it has its digest, and that it inflates to the output that the
 * checkpoint of the next span holds the end of. That end was recorded when the layer was decompressed from its start,
 * so a span that inflates to it belongs to this layer. Takes a few hundred KiB of memory, whatever the span inflates to.
 * @param span One of the spans of a zTOC.
 * @param compressed The bytes of the layer from `compressedStart` to `compressedEnd` of the span.
 * @param next The span that follows; `undefined` if there is none, and then the span need only inflate.
 */
export function checkSpan(span: Span, compressed: Uint8Array, next: Span | undefined): SpanCheck {
  const { id, checkpoint, digest, compressedStart, compressedEnd, uncompressedStart, uncompressedEnd } = span;
  if (digestOf(compressed) !== digest) {
    const where = `span ${id}, bytes ${compressedStart} to ${compressedEnd} of the layer`;
    return { outcome: 'digest-mismatch', reason: `${where}, does not have the digest ${digest}` };
  }
  if (checkpoint === undefined) return { outcome: 'valid' };
  const window = next?.checkpoint?.window ?? new Uint8Array(0);
  try {
    const end = inflateFrom(compressed, checkpoint, uncompressedEnd - uncompressedStart, window.length);
    const expected = window.subarray(window.length - end.length);
    if (end.every((byte, i) => byte === expected[i])) return { outcome: 'valid' };
    return {
      outcome: 'content-mismatch',
      reason: `span ${id} does not inflate to what the checkpoint of span ${id + 1} has kept of it`,
    };
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    const reason = `span ${id} cannot be inflated from its checkpoint: ${error.message}`;
    return { outcome: 'content-mismatch', reason };
  }
}

/** Throws `SPAN_DIGEST_MISMATCH` unless the bytes of a span have its digest. */
export function requireDigest(span: Span, compressed: Uint8Array): void {
  const digest = digestOf(compressed);
  if (digest === span.digest) return;
  const message = `span ${span.id}, bytes ${span.compressedStart} to ${span.compressedEnd} of the layer, has digest ${digest}, and its zTOC has ${span.digest}: the layer is damaged or another one`;
  throw new ZtocError('SPAN_DIGEST_MISMATCH', message, { offset: span.compressedStart });
}

/** Thrown to leave the decoder once a span has given what it was asked for. */
const ENOUGH = Symbol('enough');

/**
 * Inflates from a checkpoint on, and the members that begin after it.
 * @param compressed The bytes from the checkpoint's partly used byte on, if it has one.
 * @param length Bytes of output that are wanted; further ones are not looked at.
 * @param size How many of the last of these bytes are kept, at the most. @default all
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
    const message = `the span inflates to ${filled} bytes where ${length} were expected: the zTOC does not describe this layer`;
    throw new ZtocError('GZIP_TRUNCATED', message, { offset: compressed.length });
  }
  return kept;
}
