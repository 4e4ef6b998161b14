import { ZtocError } from '../errors.ts';
import type { GzipCheckpoint, SpanStart } from '../gzip/checkpoints.ts';
import { boundsOf } from '../spans/list-spans.ts';
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
  const blocks = listBlocks(points);
  const isRead = findPiecesRead(blocks.flat(), sizes.uncompressedArchiveSize, reads);
  if (!isRead.includes(true)) return points.spans;
  const chosen: GzipCheckpoint[] = [];
  let piece = 0;
  for (const [i, block] of blocks.entries()) {
    const isPieceRead = isRead.slice(piece, piece + block.length);
    piece += block.length;
    if (isPieceRead.includes(true)) chosen.push(...divide(block, blocks[i + 1]?.[0], isPieceRead, sizes));
    else chosen.push(block[0] as GzipCheckpoint);
  }
  return chosen;
}

/** Returns for each span its start, followed by the candidates in it. */
function listBlocks({ spans, candidates }: SpanPoints): GzipCheckpoint[][] {
  // Empty spans at the start cost a checkpoint and nothing reads them. The snapshotter does not mount a layer with them.
  const starts = spans.filter(({ outputOffset }, i) => i === 0 || outputOffset > 0);
  let at = 0;
  return starts.map((start, i) => {
    const end = starts[i + 1]?.inputOffset ?? Number.POSITIVE_INFINITY;
    const block = [start];
    for (
      let candidate = candidates[at];
      candidate !== undefined && candidate.inputOffset < end;
      candidate = candidates[++at]
    ) {
      if (candidate.outputOffset > start.outputOffset) block.push(candidate);
    }
    return block;
  });
}

/**
 * Returns for each piece whether it is read. A piece is what is between two points. The snapshotter also requests the span
 * that contains the byte after a read (fs/span-manager, `getSpanInfo`).
 */
export function findPiecesRead(
  points: readonly Pick<SpanStart, 'outputOffset'>[],
  size: number,
  reads: readonly ReadRange[],
): boolean[] {
  const offsets = Float64Array.from(points, ({ outputOffset }) => outputOffset);
  // Number of reads that start at a piece, minus those that end before it.
  const changes = new Int32Array(points.length + 1);
  for (const { start, end } of reads) {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
      const message = `invalid range to read: from ${start} to ${end}. Use whole numbers from 0, in order.`;
      throw new ZtocError('OPTION_INVALID', message);
    }
    if (start === end || start >= size) continue;
    const first = lastAtOrBefore(offsets, start);
    const last = lastAtOrBefore(offsets, end);
    changes[first] = (changes[first] as number) + 1;
    changes[last + 1] = (changes[last + 1] as number) - 1;
  }
  let count = 0;
  return points.map((_, i) => {
    count += changes[i] as number;
    return count > 0;
  });
}

/** Returns the index of the last offset that is not after `offset`. The first offset is 0. */
function lastAtOrBefore(offsets: Float64Array, offset: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
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
