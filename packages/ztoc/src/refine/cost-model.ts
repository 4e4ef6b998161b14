import { SPAN_DIGEST_SIZE } from '../encoding/encoded-size.ts';
import { PACKED_CHECKPOINT_SIZE } from '../gzip/checkpoints.ts';
import type { SpanBounds } from '../spans/list-spans.ts';

// What the spans of a layer cost when a container starts, in bytes on the reference link: 100 Mbit/s and 10 ms. Reasons and
// measurements: docs/decisions/037-how-spans-are-chosen.md.

/** Bytes per second and seconds of latency of the reference link. */
const LINK_BANDWIDTH = 100e6 / 8;
const LINK_LATENCY = 0.01;

/** The runtime downloads a zTOC twice: containerd's transfer service and the snapshotter. */
const ZTOC_DOWNLOADS = 2;

/** Cost of a checkpoint with the digest of its span. */
const CHECKPOINT_COST = ZTOC_DOWNLOADS * (PACKED_CHECKPOINT_SIZE + SPAN_DIGEST_SIZE);

/** Cost of a request in addition to its bytes. The snapshotter requests each span alone (fs/span-manager). */
const REQUEST_COST = LINK_LATENCY * LINK_BANDWIDTH;

/**
 * Probability that a start reads a byte that the profile does not know. It limits the size of spans that the profile does
 * not read, next to spans that it reads.
 */
const UNKNOWN_READ_PROBABILITY = 0.08 / 2 ** 24;

/**
 * Maximum uncompressed size of a span that is read, if it can be divided. The first byte of a span is available when
 * all of it is downloaded and inflated.
 */
export const MAX_READ_SPAN_SIZE = 1 << 22;

/** Returns the cost of a span. @param isRead Whether the profile reads it. */
export function costOf(span: SpanBounds, isRead: boolean): number {
  const size = span.uncompressedEnd - span.uncompressedStart;
  const probability = isRead ? 1 : Math.min(1, size * UNKNOWN_READ_PROBABILITY);
  return CHECKPOINT_COST + probability * (span.compressedEnd - span.compressedStart + REQUEST_COST);
}
