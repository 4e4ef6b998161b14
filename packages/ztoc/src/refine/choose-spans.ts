import { ZtocError } from '../errors.ts';
import type { GzipCheckpoint } from '../gzip/checkpoints.ts';
import { boundsOf, type SpanBounds } from '../spans/list-spans.ts';
import type { Ztoc } from '../ztoc.ts';
import { costOf, MAX_READ_SPAN_SIZE } from './cost-model.ts';

/** A range of the uncompressed layer that a container reads, in bytes. */
export interface ReadRange {
  /** First byte. */
  readonly start: number;
  /** Byte after the last one. */
  readonly end: number;
}

/** Points at which the spans of a layer can start. */
export interface SpanPoints {
  /** Checkpoints of the existing spans, in order. The new spans start at each of them, except empty ones. */
  readonly spans: readonly GzipCheckpoint[];
  /** Further checkpoints, in order. */
  readonly candidates: readonly GzipCheckpoint[];
}

/**
 * Chooses where the spans of a layer start, so that their cost is minimal. Spans that nothing reads do not change.
 * @param sizes Sizes of the layer.
 * @param reads In any order; they may overlap, be empty, or end after the archive.
 * @returns The checkpoints of the spans, in order; `points.spans` itself if nothing is read.
 * @throws {ZtocError} `OPTION_INVALID` if a read is not a range.
 */
export function chooseSpans(
  points: SpanPoints,
  sizes: Pick<Ztoc, 'compressedArchiveSize' | 'uncompressedArchiveSize'>,
  reads: readonly ReadRange[],
): readonly GzipCheckpoint[] {
  const ranges = mergeReads(reads, sizes.uncompressedArchiveSize);
  if (ranges.length === 0) return points.spans;
  // Empty spans at the start cost a checkpoint and nothing reads them. The snapshotter does not mount a layer with them.
  const starts = points.spans.filter(({ outputOffset }, i) => i === 0 || outputOffset > 0);
  const chosen: GzipCheckpoint[] = [];
  let nextRange = 0;
  let nextCandidate = 0;
  const isRead = ({ uncompressedStart: start, uncompressedEnd: end }: SpanBounds): boolean => {
    while (nextRange < ranges.length && (ranges[nextRange] as ReadRange).end <= start) nextRange++;
    return nextRange < ranges.length && (ranges[nextRange] as ReadRange).start < end;
  };
  for (const [i, start] of starts.entries()) {
    const next = starts[i + 1];
    const block = [start];
    for (; nextCandidate < points.candidates.length; nextCandidate++) {
      const candidate = points.candidates[nextCandidate] as GzipCheckpoint;
      if (next !== undefined && candidate.inputOffset >= next.inputOffset) break;
      if (candidate.outputOffset > start.outputOffset) block.push(candidate);
    }
    const pieces = block.map((point, k) => isRead(boundsOf(point, block[k + 1] ?? next, sizes)));
    chosen.push(...(pieces.includes(true) ? divide(block, next, pieces, sizes) : [start]));
  }
  return chosen;
}

/**
 * Returns the starts of the spans of one block with the minimum cost, by dynamic programming: the best division up to a
 * point is the best division up to the start of the last span, plus that span.
 * @param isRead For each point, whether the piece up to the next one is read.
 */
function divide(
  block: readonly GzipCheckpoint[],
  next: GzipCheckpoint | undefined,
  isRead: readonly boolean[],
  sizes: Pick<Ztoc, 'compressedArchiveSize' | 'uncompressedArchiveSize'>,
): GzipCheckpoint[] {
  const count = block.length;
  const costs = [0];
  const lastStart = [0];
  for (let end = 1; end <= count; end++) {
    let best = Number.POSITIVE_INFINITY;
    let isAnyRead = false;
    for (let start = end - 1; start >= 0; start--) {
      isAnyRead ||= isRead[start] === true;
      const bounds = boundsOf(block[start] as GzipCheckpoint, block[end] ?? next, sizes);
      const isTooLarge = bounds.uncompressedEnd - bounds.uncompressedStart > MAX_READ_SPAN_SIZE;
      if (isAnyRead && isTooLarge && start < end - 1) break;
      const cost = (costs[start] as number) + costOf(bounds, isAnyRead);
      if (cost >= best) continue;
      best = cost;
      lastStart[end] = start;
    }
    costs[end] = best;
  }
  const chosen: GzipCheckpoint[] = [];
  for (let end = count; end > 0; end = lastStart[end] as number) {
    chosen.unshift(block[lastStart[end] as number] as GzipCheckpoint);
  }
  return chosen;
}

/**
 * Returns the reads that touch the archive, sorted and not overlapping. The snapshotter also requests the span that
 * contains the byte after a read (fs/span-manager, `getSpanInfo`), so each range has that byte.
 */
function mergeReads(reads: readonly ReadRange[], size: number): ReadRange[] {
  for (const { start, end } of reads) {
    if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) continue;
    throw new ZtocError(
      'OPTION_INVALID',
      `invalid range to read: from ${start} to ${end}. Use offsets from 0, in order.`,
    );
  }
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of reads.toSorted((a, b) => a.start - b.start)) {
    if (start === end || start >= size) continue;
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end + 1);
    else merged.push({ start, end: end + 1 });
  }
  return merged;
}
