import { decodeZtocSpans } from '../encoding/decode-ztoc.ts';
import type { SpanCandidates } from '../gzip/candidate-list.ts';
import { retainCheckpoints } from '../gzip/checkpoints.ts';
import { findPiecesRead, lastAtOrBefore, type ReadRange } from './choose-spans.ts';

/**
 * Drops the candidates that `refineZtoc` does not need for these reads, and frees their memory: those in spans that nothing
 * reads.
 * @param bytes The zTOC that `buildZtoc` built with the span size `auto`.
 * @param candidates The candidates from the same build. Do not use them afterwards.
 * @param reads What the container reads, as for `refineZtoc`.
 * @returns The remaining candidates.
 * @throws {ZtocError} `OPTION_INVALID` if a read is not a range, `ZTOC_INVALID`.
 */
export function keepCandidates(
  bytes: Uint8Array,
  { minDistance, checkpoints }: SpanCandidates,
  reads: readonly ReadRange[],
): SpanCandidates {
  const spans = decodeZtocSpans(bytes, { maxSpans: Number.MAX_SAFE_INTEGER });
  const starts = spans.flatMap(({ checkpoint }) => checkpoint ?? []);
  const isRead = findPiecesRead(starts, spans.at(-1)?.uncompressedEnd ?? 0, reads);
  const offsets = Float64Array.from(starts, ({ outputOffset }) => outputOffset);
  const keep = (offset: number) => offset === 0 || isRead[lastAtOrBefore(offsets, offset)] === true;
  return { minDistance, checkpoints: retainCheckpoints(checkpoints, keep) };
}
