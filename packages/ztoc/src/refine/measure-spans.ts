import type { BuiltZtoc } from '../build/build-ztoc.ts';
import { decodeAllButFiles } from '../encoding/decode-ztoc.ts';
import { SPAN_DIGEST_SIZE } from '../encoding/encoded-size.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import { PACKED_CHECKPOINT_SIZE, type SpanStart, unpackCheckpoints } from '../gzip/checkpoints.ts';
import { boundsOf } from '../spans/list-spans.ts';
import type { Ztoc } from '../ztoc.ts';
import { chooseSpans, findPiecesRead, type ReadRange } from './choose-spans.ts';

/** The spans of a layer with one span size, and those that a container reads when it starts. */
export interface SpanUse {
  /** Minimum size of a span in uncompressed bytes, or `auto`: as {@link refineZtoc} divides them. */
  readonly spanSize: number | 'auto';
  /** Number of spans. */
  readonly spans: number;
  /** Size of the zTOC in bytes. It can differ by a few bytes from that of a zTOC that is built, due to padding. */
  readonly ztocSize: number;
  /** Number of spans that are read. The runtime requests each of them alone. */
  readonly spansRead: number;
  /** Bytes of the layer in these spans. */
  readonly bytesRead: number;
  /** Bytes that these spans inflate to. */
  readonly bytesInflated: number;
}

/**
 * Computes what the start of a container reads of a layer, for the span size `auto` and for other ones, from one build.
 * @param built Result of `buildZtoc` with the span size `auto`. Without candidates, spans are not divided.
 * @param otherSpanSizes The option `otherSpanSizes` of that build.
 * @param reads What the container reads, as for {@link refineZtoc}.
 * @returns The span size `auto`, then the others in their order.
 * @throws {ZtocError} `OPTION_INVALID` if a read is not a range, `ZTOC_INVALID`.
 */
export function measureSpans(
  { bytes, candidates, otherSpans = [] }: { readonly bytes: Uint8Array } & Pick<BuiltZtoc, 'candidates' | 'otherSpans'>,
  otherSpanSizes: readonly number[],
  reads: readonly ReadRange[],
): readonly SpanUse[] {
  const { ztoc, spans } = decodeAllButFiles(new FlatbufferReader(bytes, 'zTOC'), { maxSpans: Number.MAX_SAFE_INTEGER });
  const spanCost = SPAN_DIGEST_SIZE + (ztoc.compression === 'gzip' ? PACKED_CHECKPOINT_SIZE : 0);
  const measure = (spanSize: number | 'auto', starts: readonly SpanStart[]): SpanUse => ({
    spanSize,
    spans: starts.length,
    ztocSize: bytes.length + (starts.length - spans.length) * spanCost,
    ...measureReads(starts, ztoc, reads),
  });
  if (ztoc.compression !== 'gzip') {
    const starts = (spanSize: number) => startsEvery(spanSize, ztoc.compressedArchiveSize);
    return [
      measure(
        'auto',
        spans.map(({ uncompressedStart }) => startAt(uncompressedStart)),
      ),
      ...otherSpanSizes.map((spanSize) => measure(spanSize, starts(spanSize))),
    ];
  }
  const points = {
    spans: spans.flatMap(({ checkpoint }) => checkpoint ?? []),
    candidates: candidates === undefined ? [] : unpackCheckpoints(candidates.checkpoints).checkpoints,
  };
  return [
    measure('auto', chooseSpans(points, ztoc, reads)),
    ...otherSpanSizes.map((spanSize, i) => measure(spanSize, otherSpans[i] ?? [])),
  ];
}

function startAt(offset: number): SpanStart {
  return { inputOffset: offset, outputOffset: offset, bits: 0 };
}

/** Returns the starts of spans of equal size. */
function startsEvery(spanSize: number, size: number): readonly SpanStart[] {
  return Array.from({ length: Math.ceil(size / spanSize) }, (_, i) => startAt(i * spanSize));
}

function measureReads(
  starts: readonly SpanStart[],
  sizes: Pick<Ztoc, 'compressedArchiveSize' | 'uncompressedArchiveSize'>,
  reads: readonly ReadRange[],
): Pick<SpanUse, 'spansRead' | 'bytesRead' | 'bytesInflated'> {
  const isRead = starts.length === 0 ? [] : findPiecesRead(starts, sizes.uncompressedArchiveSize, reads);
  let spansRead = 0;
  let bytesRead = 0;
  let bytesInflated = 0;
  for (const [i, start] of starts.entries()) {
    const { compressedStart, compressedEnd, uncompressedStart, uncompressedEnd } = boundsOf(
      start,
      starts[i + 1],
      sizes,
    );
    if (!isRead[i] || uncompressedStart === uncompressedEnd) continue;
    spansRead += 1;
    bytesRead += compressedEnd - compressedStart;
    bytesInflated += uncompressedEnd - uncompressedStart;
  }
  return { spansRead, bytesRead, bytesInflated };
}
