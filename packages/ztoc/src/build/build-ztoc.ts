import type { ZtocLimits } from '../limits.ts';
import { type Compression, DEFAULT_BUILD_TOOL_IDENTIFIER, DEFAULT_SPAN_SIZE } from '../ztoc.ts';
import { type BuiltZtoc, ZtocBuilder, type ZtocProgress } from './ztoc-builder.ts';

/** Options of {@link buildZtoc}. */
export interface BuildZtocOptions {
  /** Bytes of uncompressed data between checkpoints, at the least; a whole number from 1. @default 4 MiB */
  readonly spanSize?: number;
  /** Who made the zTOC; part of its bytes, so of its digest. @default 'AWS SOCI CLI v0.2', that of the reference */
  readonly buildToolIdentifier?: string;
  /** How the layer is compressed. @default 'auto', by its first bytes */
  readonly compression?: Compression | 'auto';
  /** Bounds on what a hostile layer may cost. @default those named in `ZtocLimits` */
  readonly limits?: ZtocLimits;
  /** Ends the build between two chunks: it then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each chunk. */
  readonly onProgress?: (progress: ZtocProgress) => void;
}

/** Chunks that come at once hold up everything else in the process: a pause after this many bytes of them. */
const BYTES_BETWEEN_PAUSES = 8 << 20;

/**
 * Builds the zTOC of a layer in one pass over its bytes. Nothing of the layer is kept but 32 KiB a span and the names of
 * its entries, so memory does not grow with the layer's size.
 *
 * The result is, byte for byte once encoded, the reference's (`soci` of soci-snapshotter v0.16.1).
 *
 * @param chunks The layer, in order, in chunks of any size. A chunk may be overwritten once the next one is asked for.
 * @throws {ZtocError} `GZIP_*` and `TAR_*` when the layer is malformed, `COMPRESSION_UNKNOWN` when it is neither gzip nor
 *   tar, `LIMIT_EXCEEDED`, `OPTION_INVALID`.
 */
export async function buildZtoc(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: BuildZtocOptions = {},
): Promise<BuiltZtoc> {
  const { signal, onProgress } = options;
  const builder = new ZtocBuilder({
    spanSize: options.spanSize ?? DEFAULT_SPAN_SIZE,
    buildToolIdentifier: options.buildToolIdentifier ?? DEFAULT_BUILD_TOOL_IDENTIFIER,
    compression: options.compression ?? 'auto',
    limits: options.limits ?? {},
  });
  try {
    signal?.throwIfAborted();
    for await (const chunk of pausing(chunks)) {
      signal?.throwIfAborted();
      builder.push(chunk);
      onProgress?.(builder.progress);
    }
    signal?.throwIfAborted();
    return builder.finish();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    builder.close();
  }
}

async function* pausing(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  if (Symbol.asyncIterator in chunks) return yield* chunks;
  let bytes = 0;
  for (const chunk of chunks) {
    yield chunk;
    bytes += chunk.length;
    if (bytes < BYTES_BETWEEN_PAUSES) continue;
    bytes = 0;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
