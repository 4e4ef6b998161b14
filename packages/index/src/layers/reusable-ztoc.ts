import { quoteText } from '@soci/oci';
import { AUTO_SPAN_SIZE, decodeReferenceZtoc, listSpans, spanSizeOf, type Ztoc, ZtocError } from '@soci/ztoc';
import type { ReusableLayer } from '../options.ts';
import type { ZtocRefusal } from '../progress.ts';
import { summarizeZtoc, type ZtocSummary } from './build-layer.ts';
import type { LayerSettings } from './layer-plan.ts';

/** Reason why an existing zTOC is not reused. */
export interface RejectedZtoc {
  readonly rejected: ZtocRefusal;
  readonly message: string;
}

/** Maximum uncompressed size of a deflate block, 8 MiB. A span ends at the end of a block. zlib limits a block to 16,383 matches of 258 bytes. */
const MAX_BLOCK_LENGTH = 1 << 23;

/**
 * Checks an existing zTOC without reading its layer: it must have the encoding, settings and span lengths of a new zTOC.
 * Span digests are checked later, when spans are read or by `verifySociIndex`.
 */
export function checkReusableZtoc(
  bytes: Uint8Array,
  layer: Pick<ReusableLayer, 'digest' | 'size' | 'compression'>,
  settings: LayerSettings,
  maxSize: number,
): ZtocSummary | RejectedZtoc {
  if (bytes.length > maxSize) {
    return { rejected: 'too-large', message: `the zTOC has ${bytes.length} bytes, the limit is ${maxSize}` };
  }
  try {
    const ztoc = decodeReferenceZtoc(bytes, settings.limits);
    if (ztoc === undefined) {
      return { rejected: 'malformed', message: 'the zTOC does not have the standard encoding' };
    }
    return findMismatch(ztoc, layer, settings) ?? summarizeZtoc(ztoc, bytes, settings);
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    return { rejected: error.code === 'LIMIT_EXCEEDED' ? 'too-large' : 'malformed', message: error.message };
  }
}

function findMismatch(
  ztoc: Ztoc,
  { digest, size, compression }: Pick<ReusableLayer, 'digest' | 'size' | 'compression'>,
  { spanSize, buildToolIdentifier }: LayerSettings,
): RejectedZtoc | undefined {
  if (ztoc.compressedArchiveSize !== size || ztoc.compression !== compression) {
    const message = `the zTOC belongs to a layer of ${ztoc.compressedArchiveSize} bytes (${ztoc.compression}), but layer ${digest} has ${size} bytes (${compression})`;
    return { rejected: 'other-layer', message };
  }
  const actual = spanSizeOf(ztoc);
  if (ztoc.buildToolIdentifier !== buildToolIdentifier || (spanSize !== 'auto' && actual !== spanSize)) {
    const message = `the zTOC was built by ${quoteText(ztoc.buildToolIdentifier)} with a span size of ${actual} bytes`;
    return { rejected: 'other-settings', message };
  }
  if (ztoc.compression !== 'gzip') return undefined;
  return findWrongSpan(ztoc, actual, spanSize === 'auto' ? Math.max(actual, AUTO_SPAN_SIZE.gzip) : actual);
}

/**
 * Checks span lengths: a checkpoint is at the start, and at each block end more than a span size after the previous one. With
 * the span size `auto`, some of these checkpoints are missing.
 *
 * @param spanSize - Minimum distance between checkpoints. @param maxDistance - Maximum distance, without the last block.
 */
function findWrongSpan(ztoc: Ztoc, spanSize: number, maxDistance: number): RejectedZtoc | undefined {
  for (const { id, uncompressedStart, uncompressedEnd } of listSpans(ztoc)) {
    const length = uncompressedEnd - uncompressedStart;
    const isShort = id < ztoc.maxSpanId && uncompressedEnd > 0 && length <= spanSize;
    if (!isShort && length <= maxDistance + MAX_BLOCK_LENGTH) continue;
    const message = `span ${id} of ${ztoc.maxSpanId + 1} in the zTOC has ${length} bytes, which does not match the span size ${spanSize}`;
    return { rejected: 'wrong-spans', message };
  }
  return undefined;
}
