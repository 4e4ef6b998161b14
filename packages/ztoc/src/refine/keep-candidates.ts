import { decodeAllButFiles } from '../encoding/decode-ztoc.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import type { SpanCandidates } from '../gzip/candidate-list.ts';
import { retainCheckpoints, unpackCheckpoints } from '../gzip/checkpoints.ts';
import { chooseSpans, type ReadRange } from './choose-spans.ts';

/**
 * Drops the candidates that `refineZtoc` does not need for these reads, and frees their memory: those at which it starts no
 * span.
 * @param bytes The zTOC that `buildZtoc` built with the span size `auto`.
 * @param candidates The candidates from the same build. Do not use them afterwards.
 * @param reads What the container reads, as for `refineZtoc`.
 * @returns The remaining candidates. `refineZtoc` returns the same with them.
 * @throws {ZtocError} `OPTION_INVALID` if a read is not a range, `ZTOC_INVALID`.
 */
export function keepCandidates(
  bytes: Uint8Array,
  { minDistance, checkpoints }: SpanCandidates,
  reads: readonly ReadRange[],
): SpanCandidates {
  const { ztoc, spans } = decodeAllButFiles(new FlatbufferReader(bytes, 'zTOC'), { maxSpans: Number.MAX_SAFE_INTEGER });
  const points = {
    spans: spans.flatMap(({ checkpoint }) => checkpoint ?? []),
    candidates: unpackCheckpoints(checkpoints).checkpoints,
  };
  const starts = new Set(chooseSpans(points, ztoc, reads).map(({ outputOffset }) => outputOffset));
  return { minDistance, checkpoints: retainCheckpoints(checkpoints, (offset) => offset === 0 || starts.has(offset)) };
}
