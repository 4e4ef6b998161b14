import { ZtocError } from '../errors.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import { FlatbufferWriter } from '../flatbuffers/flatbuffer-writer.ts';
import { type GzipCheckpoint, unpackCheckpoints } from '../gzip/checkpoints.ts';
import type { Ztoc } from '../ztoc.ts';

/** A piece of a layer that can be fetched, verified and inflated on its own. Ends are exclusive; all are in bytes. */
export interface Span {
  /** Its place among the layer's spans, from 0. */
  readonly id: number;
  /** Where its bytes start in the layer. Neighbours share a byte where a deflate block starts inside one. */
  readonly compressedStart: number;
  /** Where they end. */
  readonly compressedEnd: number;
  /** Where its output starts in the uncompressed stream. */
  readonly uncompressedStart: number;
  /** Where it ends; of the last gzip span, where the archive does, as far as a zTOC knows. */
  readonly uncompressedEnd: number;
  /** `sha256:<hex>` of its bytes in the layer. */
  readonly digest: string;
  /** The state to inflate it from; `undefined` in an uncompressed layer, whose bytes are the output. */
  readonly checkpoint: GzipCheckpoint | undefined;
}

/** What no deflate stream exceeds: 258 bytes from a two-bit match. */
const MAX_DEFLATE_RATIO = 1032;

/**
 * Lists the spans of a layer, in order.
 * @param ztoc Its zTOC. Checkpoints are checked, against each other and against the layer's size.
 * @throws {ZtocError} `ZTOC_INVALID` if the zTOC contradicts itself, or claims more output than a span can inflate to.
 */
export function listSpans(ztoc: Ztoc): readonly Span[] {
  return listSpansAt(ztoc, 0);
}

/** Lists the spans of a zTOC whose checkpoints start at `base` of its encoding, which the offsets of errors count from. */
export function listSpansAt(ztoc: Ztoc, base: number): readonly Span[] {
  const spans = ztoc.compression === 'gzip' ? listGzipSpans(ztoc, base) : listPlainSpans(ztoc, base);
  if (spans.length !== ztoc.spanDigests.length || spans.length !== ztoc.maxSpanId + 1) {
    const message = `the zTOC has ${spans.length} checkpoints, ${ztoc.spanDigests.length} span digests and a last span numbered ${ztoc.maxSpanId}`;
    throw new ZtocError('ZTOC_INVALID', message, { offset: base });
  }
  return spans;
}

/**
 * The span size that a layer was cut with: bytes of output that each span but the last has at the least.
 * @throws {ZtocError} `ZTOC_INVALID` when the zTOC's checkpoints are malformed.
 */
export function spanSizeOf({ compression, checkpoints }: Pick<Ztoc, 'compression' | 'checkpoints'>): number {
  return compression === 'gzip' ? unpackCheckpoints(checkpoints).spanSize : unpackSpanTable(checkpoints).spanSize;
}

function listGzipSpans(ztoc: Ztoc, base: number): readonly Span[] {
  const { compressedArchiveSize, uncompressedArchiveSize, spanDigests } = ztoc;
  const { checkpoints } = unpackCheckpoints(ztoc.checkpoints, base);
  return checkpoints.map((checkpoint, id) => {
    const next = checkpoints[id + 1];
    const span: Span = {
      id,
      compressedStart: checkpoint.inputOffset - (checkpoint.bits === 0 ? 0 : 1),
      compressedEnd: next?.inputOffset ?? compressedArchiveSize,
      uncompressedStart: checkpoint.outputOffset,
      uncompressedEnd: next?.outputOffset ?? Math.max(checkpoint.outputOffset, uncompressedArchiveSize),
      digest: spanDigests[id] ?? '',
      checkpoint,
    };
    checkExtent(span, compressedArchiveSize, base);
    return span;
  });
}

function checkExtent(span: Span, layerSize: number, offset: number): void {
  const { id, compressedStart, compressedEnd, uncompressedStart, uncompressedEnd } = span;
  if (compressedEnd > layerSize || compressedStart >= compressedEnd) {
    const message = `span ${id} of the zTOC lies at bytes ${compressedStart} to ${compressedEnd} of a layer of ${layerSize} bytes`;
    throw new ZtocError('ZTOC_INVALID', message, { offset });
  }
  if (uncompressedEnd - uncompressedStart > (compressedEnd - compressedStart) * MAX_DEFLATE_RATIO) {
    const message = `span ${id} of the zTOC would inflate ${compressedEnd - compressedStart} bytes to ${uncompressedEnd - uncompressedStart}, which deflate cannot do`;
    throw new ZtocError('ZTOC_INVALID', message, { offset });
  }
}

function listPlainSpans(ztoc: Ztoc, base: number): readonly Span[] {
  const table = unpackSpanTable(ztoc.checkpoints, base);
  const { spanSize, size } = table;
  const count = countSpans(table);
  if (size !== ztoc.compressedArchiveSize || ztoc.uncompressedArchiveSize > size || count !== ztoc.spanDigests.length) {
    const message = `the zTOC cuts ${size} bytes into ${count} spans, but tells of a layer of ${ztoc.compressedArchiveSize} bytes with an archive of ${ztoc.uncompressedArchiveSize} and has ${ztoc.spanDigests.length} span digests`;
    throw new ZtocError('ZTOC_INVALID', message, { offset: base });
  }
  return ztoc.spanDigests.map((digest, id) => {
    const start = id * spanSize;
    const end = Math.min(start + spanSize, size);
    const extent = { compressedStart: start, compressedEnd: end, uncompressedStart: start, uncompressedEnd: end };
    return { id, ...extent, digest, checkpoint: undefined };
  });
}

/**
 * Finds the spans that hold a range of the uncompressed stream.
 * @param spans All spans of the layer, from {@link listSpans}.
 * @param offset Where the range starts in the uncompressed stream.
 * @param length Its bytes; none need no span.
 * @returns The spans, in order, each continuing the one before.
 * @throws {ZtocError} `ZTOC_INVALID` when the range goes beyond the last span.
 */
export function spansOfRange(spans: readonly Span[], offset: number, length: number): readonly Span[] {
  if (length === 0) return [];
  const end = spans.at(-1)?.uncompressedEnd ?? 0;
  if (offset < 0 || offset + length > end) {
    const message = `${length} bytes at offset ${offset} are asked for, and the spans of the layer end at ${end}`;
    throw new ZtocError('ZTOC_INVALID', message);
  }
  return spans.slice(spanAt(spans, offset), spanAt(spans, offset + length - 1) + 1);
}

/** The last span that starts at or before an offset: empty ones before it hold nothing of it. */
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

/** How an uncompressed layer is cut: what its zTOC holds in place of checkpoints (`TarZinfo` of the reference). */
export interface SpanTable {
  /** Bytes of each span but the last, which may be shorter. At least 1. */
  readonly spanSize: number;
  /** Bytes of the layer. */
  readonly size: number;
}

/** The version the reference writes, the same as that of gzip checkpoints (ztoc/compression/tar_zinfo.go, `zinfoVersion`). */
const SPAN_TABLE_VERSION = 2;

/** Writes a span table as the reference does, byte for byte (ztoc/compression/tar_zinfo.go, `Bytes`). */
export function packSpanTable({ spanSize, size }: SpanTable): Uint8Array {
  const writer = new FlatbufferWriter(64);
  writer.startTable(Object.keys(TAR_ZINFO).length);
  writer.int32(TAR_ZINFO.version, SPAN_TABLE_VERSION);
  writer.int64(TAR_ZINFO.spanSize, spanSize);
  writer.int64(TAR_ZINFO.size, size);
  return writer.finish(writer.endTable());
}

/**
 * Reads a span table.
 * @param bytes The `checkpoints` of an uncompressed layer's zTOC.
 * @param base Where they start in the zTOC, for the offsets of errors. @default 0
 * @throws {ZtocError} `ZTOC_INVALID` when malformed, of another version, or with a span size below 1.
 */
export function unpackSpanTable(bytes: Uint8Array, base = 0): SpanTable {
  const reader = new FlatbufferReader(bytes, 'span table', base);
  const table = reader.root();
  const version = table.int32(TAR_ZINFO.version);
  if (version !== SPAN_TABLE_VERSION) {
    reader.fail(`its version is ${version}, and only ${SPAN_TABLE_VERSION} is known`, table.position);
  }
  const spanSize = table.byteCount(TAR_ZINFO.spanSize, 'the span size');
  if (spanSize === 0) reader.fail('the span size is 0', table.position);
  return { spanSize, size: table.byteCount(TAR_ZINFO.size, 'the size of the layer') };
}

/** How many spans a layer is cut into: none when it is empty. */
export function countSpans({ spanSize, size }: SpanTable): number {
  return Math.ceil(size / spanSize);
}
