import { ZtocError } from '../errors.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import { FlatbufferWriter } from '../flatbuffers/flatbuffer-writer.ts';
import { type GzipCheckpoint, type SpanStart, unpackCheckpoints } from '../gzip/checkpoints.ts';
import type { Ztoc } from '../ztoc.ts';

/**
 * A part of a layer that can be fetched, verified and inflated independently. Offsets are in bytes; ends are exclusive.
 */
export interface Span {
  /** Index of the span in the layer, from 0. */
  readonly id: number;
  /** Start of its bytes in the layer. Adjacent spans share a byte if a deflate block starts inside it. */
  readonly compressedStart: number;
  /** End of its bytes in the layer. */
  readonly compressedEnd: number;
  /** Start of its output in the uncompressed stream. */
  readonly uncompressedStart: number;
  /**
   * End of its output; for the last gzip span, the end of the archive, because the zTOC does not have the stream's end.
   */
  readonly uncompressedEnd: number;
  /** `sha256:<hex>` of its bytes in the layer. */
  readonly digest: string;
  /** State to inflate it from; `undefined` for an uncompressed layer. */
  readonly checkpoint: GzipCheckpoint | undefined;
}

/** Maximum compression ratio of deflate: 258 bytes from a match of two bits. */
const MAX_DEFLATE_RATIO = 1032;

/**
 * Lists the spans of a layer, in order.
 * @param ztoc The zTOC of the layer. Its checkpoints are checked for consistency.
 * @throws {ZtocError} `ZTOC_INVALID` if the zTOC is inconsistent, or a span claims more output than it can inflate to.
 */
export function listSpans(ztoc: Omit<Ztoc, 'files'>): readonly Span[] {
  return listSpansAt(ztoc, 0);
}

/**
 * Lists the spans of a zTOC. `base` is the offset of its checkpoints in the encoded zTOC, for the offsets of errors.
 */
export function listSpansAt(ztoc: Omit<Ztoc, 'files'>, base: number): readonly Span[] {
  const spans = ztoc.compression === 'gzip' ? listGzipSpans(ztoc, base) : listUncompressedSpans(ztoc, base);
  if (spans.length !== ztoc.spanDigests.length || spans.length !== ztoc.maxSpanId + 1) {
    const message = `inconsistent zTOC: ${spans.length} checkpoints, ${ztoc.spanDigests.length} span digests, last span ID ${ztoc.maxSpanId}`;
    throw new ZtocError('ZTOC_INVALID', message, { offset: base });
  }
  return spans;
}

/**
 * Returns the span size with which a layer was indexed: the minimum uncompressed size of every span but the last.
 * @throws {ZtocError} `ZTOC_INVALID` if the checkpoints of the zTOC are malformed.
 */
export function spanSizeOf({ compression, checkpoints }: Pick<Ztoc, 'compression' | 'checkpoints'>): number {
  return compression === 'gzip' ? unpackCheckpoints(checkpoints).spanSize : unpackSpanTable(checkpoints).spanSize;
}

function listGzipSpans(ztoc: Omit<Ztoc, 'files'>, base: number): readonly Span[] {
  const { checkpoints } = unpackCheckpoints(ztoc.checkpoints, base);
  return checkpoints.map((checkpoint, id) => {
    const span = {
      id,
      ...boundsOf(checkpoint, checkpoints[id + 1], ztoc),
      digest: ztoc.spanDigests[id] ?? '',
      checkpoint,
    };
    checkBounds(span, ztoc.compressedArchiveSize, base);
    return span;
  });
}

/**
 * Lists the spans of a gzip layer that start at its spans or at candidates. They have no digests.
 * @param candidates Packed checkpoints, from the build of the zTOC.
 * @throws {ZtocError} `ZTOC_INVALID` as {@link listSpans}.
 */
export function listCandidateSpans(ztoc: Omit<Ztoc, 'files'>, candidates: Uint8Array): readonly Span[] {
  const all = [ztoc.checkpoints, candidates].flatMap((packed) => unpackCheckpoints(packed).checkpoints);
  const starts = all
    .sort((a, b) => a.inputOffset - b.inputOffset)
    .filter(({ inputOffset }, i) => inputOffset !== all[i - 1]?.inputOffset);
  return starts.map((checkpoint, id) => {
    const span = { id, ...boundsOf(checkpoint, starts[id + 1], ztoc), digest: '', checkpoint };
    checkBounds(span, ztoc.compressedArchiveSize, 0);
    return span;
  });
}

/** Start and end of a span. */
export type SpanBounds = Pick<Span, 'compressedStart' | 'compressedEnd' | 'uncompressedStart' | 'uncompressedEnd'>;

/** Returns the bounds of a gzip span between two checkpoints. @param next The next checkpoint, if any. */
export function boundsOf(
  checkpoint: SpanStart,
  next: SpanStart | undefined,
  { compressedArchiveSize, uncompressedArchiveSize }: Pick<Ztoc, 'compressedArchiveSize' | 'uncompressedArchiveSize'>,
): SpanBounds {
  return {
    compressedStart: checkpoint.inputOffset - (checkpoint.bits === 0 ? 0 : 1),
    compressedEnd: next?.inputOffset ?? compressedArchiveSize,
    uncompressedStart: checkpoint.outputOffset,
    uncompressedEnd: next?.outputOffset ?? Math.max(checkpoint.outputOffset, uncompressedArchiveSize),
  };
}

function checkBounds(span: Span, layerSize: number, offset: number): void {
  const { id, compressedStart, compressedEnd, uncompressedStart, uncompressedEnd } = span;
  if (compressedEnd > layerSize || compressedStart >= compressedEnd) {
    const message = `invalid zTOC: span ${id} covers bytes ${compressedStart} to ${compressedEnd} of a layer of ${layerSize} bytes`;
    throw new ZtocError('ZTOC_INVALID', message, { offset });
  }
  if (uncompressedEnd - uncompressedStart > (compressedEnd - compressedStart) * MAX_DEFLATE_RATIO) {
    const message = `invalid zTOC: span ${id} would inflate ${compressedEnd - compressedStart} bytes to ${uncompressedEnd - uncompressedStart}, which deflate cannot do`;
    throw new ZtocError('ZTOC_INVALID', message, { offset });
  }
}

function listUncompressedSpans(ztoc: Omit<Ztoc, 'files'>, base: number): readonly Span[] {
  const table = unpackSpanTable(ztoc.checkpoints, base);
  const { spanSize, size } = table;
  const count = countSpans(table);
  if (size !== ztoc.compressedArchiveSize || ztoc.uncompressedArchiveSize > size || count !== ztoc.spanDigests.length) {
    const message = `inconsistent zTOC: ${count} spans for ${size} bytes, but ${ztoc.spanDigests.length} span digests, a layer of ${ztoc.compressedArchiveSize} bytes and an archive of ${ztoc.uncompressedArchiveSize} bytes`;
    throw new ZtocError('ZTOC_INVALID', message, { offset: base });
  }
  return ztoc.spanDigests.map((digest, id) => {
    const start = id * spanSize;
    const end = Math.min(start + spanSize, size);
    const bounds = { compressedStart: start, compressedEnd: end, uncompressedStart: start, uncompressedEnd: end };
    return { id, ...bounds, digest, checkpoint: undefined };
  });
}

/**
 * Finds the spans that contain a range of the uncompressed stream.
 * @param spans All spans of the layer, from {@link listSpans}.
 * @param offset Start of the range in the uncompressed stream.
 * @param length Length of the range in bytes. An empty range needs no span.
 * @returns Adjacent spans, in order.
 * @throws {ZtocError} `ZTOC_INVALID` if the range ends after the last span.
 */
export function spansOfRange(spans: readonly Span[], offset: number, length: number): readonly Span[] {
  if (length === 0) return [];
  const end = spans.at(-1)?.uncompressedEnd ?? 0;
  if (offset < 0 || offset + length > end) {
    const message = `cannot read ${length} bytes at offset ${offset}: the spans of the layer end at offset ${end}`;
    throw new ZtocError('ZTOC_INVALID', message);
  }
  return spans.slice(spanAt(spans, offset), spanAt(spans, offset + length - 1) + 1);
}

/** Returns the last span that starts at or before an offset. Empty spans before it do not contain the offset. */
function spanAt(spans: readonly Span[], offset: number): number {
  let low = 0;
  let high = spans.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((spans[middle] as Span).uncompressedStart <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** `table TarZinfo` (ztoc/compression/fbs/zinfo.fbs): the slots of its fields. */
const TAR_ZINFO = { version: 0, spanSize: 1, size: 2 } as const;

/** Division of an uncompressed layer into spans, stored instead of checkpoints (`TarZinfo` of the reference). */
export interface SpanTable {
  /** Size of each span but the last, which may be shorter, in bytes. At least 1. */
  readonly spanSize: number;
  /** Size of the layer in bytes. */
  readonly size: number;
}

/**
 * Version that the reference writes, equal to that of gzip checkpoints (ztoc/compression/tar_zinfo.go, `zinfoVersion`).
 */
const SPAN_TABLE_VERSION = 2;

/** Encodes a span table, byte-identical to the reference (ztoc/compression/tar_zinfo.go, `Bytes`). */
export function packSpanTable({ spanSize, size }: SpanTable): Uint8Array {
  const writer = new FlatbufferWriter(64);
  writer.startTable(Object.keys(TAR_ZINFO).length);
  writer.int32(TAR_ZINFO.version, SPAN_TABLE_VERSION);
  writer.int64(TAR_ZINFO.spanSize, spanSize);
  writer.int64(TAR_ZINFO.size, size);
  return writer.finish(writer.endTable());
}

/**
 * Decodes a span table.
 * @param bytes The `checkpoints` of an uncompressed layer's zTOC.
 * @param base Offset of the span table in the zTOC, for the offsets of errors. @default 0
 * @throws {ZtocError} `ZTOC_INVALID` if it is malformed, has another version, or a span size of 0.
 */
export function unpackSpanTable(bytes: Uint8Array, base = 0): SpanTable {
  const reader = new FlatbufferReader(bytes, 'span table', base);
  const table = reader.root();
  const version = table.int32(TAR_ZINFO.version);
  if (version !== SPAN_TABLE_VERSION) {
    reader.fail(`unsupported version ${version}, expected ${SPAN_TABLE_VERSION}`, table.position);
  }
  const spanSize = table.byteCount(TAR_ZINFO.spanSize, 'the span size');
  if (spanSize === 0) reader.fail('the span size is 0', table.position);
  return { spanSize, size: table.byteCount(TAR_ZINFO.size, 'the size of the layer') };
}

/** Returns the number of spans of a layer; 0 if it is empty. */
export function countSpans({ spanSize, size }: SpanTable): number {
  return Math.ceil(size / spanSize);
}
