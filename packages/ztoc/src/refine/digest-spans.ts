import { ZtocError } from '../errors.ts';
import type { GzipCheckpoint } from '../gzip/checkpoints.ts';
import { copySha256, createSha256, formatDigest, type Sha256 } from '../hashes.ts';
import { type RandomAccessSource, readFrom } from '../read/random-access-source.ts';
import { boundsOf, type Span, type SpanBounds } from '../spans/list-spans.ts';

/** Bytes of the layer that are read at a time. */
const READ_SIZE = 1 << 20;

/** Bytes of a layer. */
type Range = Pick<SpanBounds, 'compressedStart' | 'compressedEnd'>;

/** Options of {@link digestSpans}. */
interface DigestOptions {
  /** Whether the bytes that are read are verified with the digests of the old spans. */
  readonly verify: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Returns the digests of spans that start at other points than those of a zTOC. Reads the spans of the zTOC that change,
 * and verifies them if `verify` is set.
 * @param starts Starts of the new spans, in order. They include the starts of the old spans that are not empty.
 * @param oldSpans All spans of the layer, with their digests.
 * @throws {ZtocError} `SPAN_DIGEST_MISMATCH`, `SOURCE_READ_FAILED`
 */
export async function digestSpans(
  starts: readonly GzipCheckpoint[],
  oldSpans: readonly Span[],
  layer: RandomAccessSource,
  { verify, signal }: DigestOptions,
): Promise<string[]> {
  const { compressedEnd, uncompressedEnd } = oldSpans.at(-1) as Span;
  const sizes = { compressedArchiveSize: compressedEnd, uncompressedArchiveSize: uncompressedEnd };
  const newSpans = starts.map((start, i) => boundsOf(start, starts[i + 1], sizes));
  const digests: string[] = [];
  const buffer = new Uint8Array(READ_SIZE);
  for (let oldAt = 0, newAt = 0; oldAt < oldSpans.length; ) {
    // Take spans from both until they end at the same byte.
    const olds = [oldSpans[oldAt++] as Span];
    const news = [newSpans[newAt++] as SpanBounds];
    for (;;) {
      const oldEnd = (olds.at(-1) as Span).compressedEnd;
      const newEnd = (news.at(-1) as SpanBounds).compressedEnd;
      if (oldEnd === newEnd) break;
      if (oldEnd < newEnd) olds.push(oldSpans[oldAt++] as Span);
      else news.push(newSpans[newAt++] as SpanBounds);
    }
    if (olds.length === 1 && news.length === 1) digests.push((olds[0] as Span).digest);
    else if (verify) digests.push(...(await digestVerified(news, olds, layer, buffer, signal)));
    else digests.push(...(await digestRanges(news, layer, buffer, signal)));
  }
  return digests;
}

/** Returns the digests of ranges of the layer, which cover the same bytes as spans with known digests. */
async function digestVerified(
  ranges: readonly Range[],
  spans: readonly Span[],
  layer: RandomAccessSource,
  buffer: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  let wrong: Span | undefined;
  // A cache or proxy on the way may have damaged the first read.
  for (let attempt = 0; attempt < 2; attempt++) {
    const digests = await digestRanges([...spans, ...ranges], layer, buffer, signal);
    wrong = spans.find(({ digest }, i) => digests[i] !== digest);
    if (wrong === undefined) return digests.slice(spans.length);
  }
  const { id, digest, compressedStart: start, compressedEnd: end } = wrong as Span;
  const message = `span ${id} (bytes ${start} to ${end} of the layer) does not have the digest ${digest} in two further reads. The layer is damaged or has changed since it was indexed: index it again.`;
  throw new ZtocError('SPAN_DIGEST_MISMATCH', message, { offset: start });
}

/**
 * Returns the digests of ranges, which may cover the same bytes several times. Reads each byte once. If another range starts
 * with the first one, the longer of them continues with the hash of the other.
 */
async function digestRanges(
  ranges: readonly Range[],
  layer: RandomAccessSource,
  buffer: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const hashes = ranges.map(createSha256);
  const { compressedStart: first, compressedEnd } = ranges[0] as Range;
  const twin = ranges.findIndex(({ compressedStart }, i) => i > 0 && compressedStart === first);
  const isFirstShorter = twin < 0 || compressedEnd < (ranges[twin] as Range).compressedEnd;
  const [shorter, longer] = isFirstShorter ? [0, twin] : [twin, 0];
  const common = (ranges[shorter] as Range).compressedEnd;
  const longerRange = ranges[longer];
  const last = Math.max(...ranges.map(({ compressedEnd }) => compressedEnd));
  for (let at = first; at < last; at += READ_SIZE) {
    const bytes = await readFrom(layer, at, Math.min(READ_SIZE, last - at), signal, buffer);
    signal?.throwIfAborted();
    const update = (i: number, { compressedStart, compressedEnd }: Range) => {
      const start = Math.max(0, compressedStart - at);
      const end = Math.min(bytes.length, compressedEnd - at);
      if (start < end) hashes[i]?.update(bytes.subarray(start, end));
    };
    for (const [i, range] of ranges.entries()) if (i !== longer) update(i, range);
    if (longerRange === undefined || at + bytes.length < common) continue;
    if (at < common) hashes[longer] = copySha256(hashes[shorter] as Sha256);
    update(longer, { compressedStart: common, compressedEnd: longerRange.compressedEnd });
  }
  return hashes.map((hash) => formatDigest(hash.digest()));
}
