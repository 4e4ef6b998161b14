import { decodeZtoc, encodeZtoc, listSpans, spanSizeOf, type Ztoc, ZtocError } from '@soci/ztoc';
import type { ReusableLayer } from '../options.ts';
import type { ZtocRefusal } from '../progress.ts';
import { describeZtoc, type KnownZtoc } from './build-layer.ts';
import type { LayerSettings } from './layer-plan.ts';

/** A zTOC that is not used. */
export interface RefusedZtoc {
  readonly refused: ZtocRefusal;
  readonly message: string;
}

/** Uncompressed bytes in a block at most, 8 MiB: a span ends with a block. zlib's have 16,383 matches of 258 bytes. */
const MAX_BLOCK_LENGTH = 1 << 23;

/**
 * Checks without the layer that a zTOC of at most `maxSize` bytes is what building it again would give. Its span digests
 * are checked when spans are read, and by `verifySociIndex`.
 */
export function adoptZtoc(
  bytes: Uint8Array,
  layer: Pick<ReusableLayer, 'digest' | 'size' | 'compression'>,
  settings: LayerSettings,
  maxSize: number,
): KnownZtoc | RefusedZtoc {
  if (bytes.length > maxSize) {
    return { refused: 'too-large', message: `the zTOC has ${bytes.length} bytes: the limit is ${maxSize}` };
  }
  try {
    const ztoc = decodeZtoc(bytes, settings.limits);
    if (Buffer.compare(encodeZtoc(ztoc), bytes) !== 0) {
      return { refused: 'malformed', message: 'the zTOC is not laid out as zTOCs are' };
    }
    return findFault(ztoc, layer, settings) ?? describeZtoc(ztoc, bytes, settings);
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    return { refused: error.code === 'LIMIT_EXCEEDED' ? 'too-large' : 'malformed', message: error.message };
  }
}

function findFault(
  ztoc: Ztoc,
  { digest, size, compression }: Pick<ReusableLayer, 'digest' | 'size' | 'compression'>,
  { spanSize, buildToolIdentifier }: LayerSettings,
): RefusedZtoc | undefined {
  if (ztoc.compressedArchiveSize !== size || ztoc.compression !== compression) {
    const message = `the zTOC is of a layer of ${ztoc.compressedArchiveSize} bytes (${ztoc.compression}), and ${digest} has ${size} (${compression})`;
    return { refused: 'other-layer', message };
  }
  if (ztoc.buildToolIdentifier !== buildToolIdentifier || spanSizeOf(ztoc) !== spanSize) {
    const message = `the zTOC was built by ${JSON.stringify(ztoc.buildToolIdentifier)} with spans of ${spanSizeOf(ztoc)} bytes`;
    return { refused: 'other-settings', message };
  }
  return ztoc.compression === 'gzip' ? findWrongSpan(ztoc, spanSize) : undefined;
}

/** A checkpoint is taken before any output, and then wherever a block ends more than a span size after the last. */
function findWrongSpan(ztoc: Ztoc, spanSize: number): RefusedZtoc | undefined {
  for (const { id, uncompressedStart, uncompressedEnd } of listSpans(ztoc)) {
    const length = uncompressedEnd - uncompressedStart;
    const isShort = id < ztoc.maxSpanId && uncompressedEnd > 0 && length <= spanSize;
    if (!isShort && length <= spanSize + MAX_BLOCK_LENGTH) continue;
    const message = `span ${id} of ${ztoc.maxSpanId + 1} in the zTOC has ${length} bytes, where spans of ${spanSize} were asked for`;
    return { refused: 'wrong-spans', message };
  }
  return undefined;
}
