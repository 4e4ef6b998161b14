import { decodeAllButFiles } from '../encoding/decode-ztoc.ts';
import { encodeWithSpans } from '../encoding/encode-ztoc.ts';
import { SPAN_DIGEST_SIZE } from '../encoding/encoded-size.ts';
import { withLazyFiles } from '../encoding/lazy-files.ts';
import { ZtocError } from '../errors.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import type { SpanCandidates } from '../gzip/candidate-list.ts';
import { PACKED_CHECKPOINT_SIZE, packCheckpoints, packedSize, unpackCheckpoints } from '../gzip/checkpoints.ts';
import { resolveLimits, type ZtocLimits } from '../limits.ts';
import type { RandomAccessSource, ReadOptions } from '../read/random-access-source.ts';
import type { Ztoc } from '../ztoc.ts';
import { chooseSpans, type ReadRange } from './choose-spans.ts';
import { digestSpans } from './digest-spans.ts';

/** Options of {@link refineZtoc}. */
export interface RefineOptions extends ReadOptions {
  /** Limits of the new zTOC. @default those of {@link ZtocLimits} */
  readonly limits?: Pick<ZtocLimits, 'maxSpans' | 'maxZtocSize'>;
  /**
   * Whether the bytes that are read again are verified with the digests of the zTOC. Without it, half as many bytes are hashed,
   * and a layer that has changed since it was built makes a wrong zTOC. Pass `false` for local files only.
   * @default true
   */
  readonly verify?: boolean | undefined;
}

/** Result of {@link refineZtoc}. */
export interface RefinedZtoc {
  /** The decoded zTOC, with views of `bytes`. Its `files` are decoded when they are first read. */
  readonly ztoc: Ztoc;
  /** The encoded zTOC; the bytes that were passed in if nothing changes. */
  readonly bytes: Uint8Array;
}

/**
 * Divides the spans of a gzip layer that a container reads when it starts, so that the start costs less. Reads these
 * spans of the layer again, for the digests of the new ones.
 *
 * The result is byte-identical to that of a builder with the same span starts. The span size in it is `minDistance` of
 * the candidates. A zTOC whose layer the reads do not touch does not change.
 *
 * @param bytes The zTOC that `buildZtoc` built with the span size `auto`.
 * @param candidates The candidates from the same build.
 * @param reads What the container reads. Include the tar header of each file: the snapshotter reads it before the file.
 * @param layer The layer. Its bytes are verified with the digests of the zTOC, unless `verify` is false.
 * @throws {ZtocError} `SPAN_DIGEST_MISMATCH` if the layer is not the one that was built, `SOURCE_READ_FAILED`,
 *   `ZTOC_INVALID`, `OPTION_INVALID`; `LIMIT_EXCEEDED`, before the layer is read, if the new zTOC would exceed a limit.
 */
export async function refineZtoc(
  bytes: Uint8Array,
  candidates: SpanCandidates,
  reads: readonly ReadRange[],
  layer: RandomAccessSource,
  { limits, verify = true, signal }: RefineOptions = {},
): Promise<RefinedZtoc> {
  const { ztoc, spans: oldSpans } = decodeAllButFiles(new FlatbufferReader(bytes, 'zTOC'), {
    maxSpans: Number.MAX_SAFE_INTEGER,
  });
  const { checkpoints: _, files: __, ...head } = ztoc;
  const oldStarts = oldSpans.flatMap(({ checkpoint }) => checkpoint ?? []);
  const points = { spans: oldStarts, candidates: unpackCheckpoints(candidates.checkpoints).checkpoints };
  const starts = head.compression === 'gzip' ? chooseSpans(points, head, reads) : oldStarts;
  if (starts.length === oldStarts.length && starts.every((start, i) => start === oldStarts[i])) {
    return { ztoc: withLazyFiles(ztoc, bytes), bytes };
  }
  const added = starts.length - oldStarts.length;
  checkLimits(starts.length, bytes.length + added * (PACKED_CHECKPOINT_SIZE + SPAN_DIGEST_SIZE), limits);
  if (layer.size !== head.compressedArchiveSize) {
    const message = `the layer has ${layer.size} bytes, but the zTOC describes a layer of ${head.compressedArchiveSize} bytes`;
    throw new ZtocError('SPAN_DIGEST_MISMATCH', message);
  }
  const spanDigests = await digestSpans(starts, oldSpans, layer, { verify, signal });
  const newHead = { ...head, maxSpanId: starts.length - 1, spanDigests };
  const result = encodeWithSpans(bytes, newHead, {
    size: packedSize(starts.length),
    moveTo: (target) => packCheckpoints(starts, candidates.minDistance, target),
  });
  return {
    ztoc: withLazyFiles({ ...newHead, checkpoints: result.checkpoints }, result.bytes),
    bytes: result.bytes,
  };
}

function checkLimits(spans: number, size: number, limits: RefineOptions['limits']): void {
  const { maxSpans, maxZtocSize } = resolveLimits(limits);
  if (spans <= maxSpans && size <= maxZtocSize) return;
  const message = `the divided spans need a zTOC of ${spans} spans and ${size} bytes: more than maxSpans (${maxSpans}) or maxZtocSize (${maxZtocSize} bytes). Keep the zTOC as it is, or raise the limit if you trust the layer.`;
  throw new ZtocError('LIMIT_EXCEEDED', message);
}
