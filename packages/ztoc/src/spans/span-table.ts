import { FlatbufferReader } from '../envelope/flatbuffer-reader.ts';
import { FlatbufferWriter } from '../envelope/flatbuffer-writer.ts';
import { FIELD_COUNT, TAR_ZINFO } from '../envelope/schema.ts';

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
  writer.startTable(FIELD_COUNT.tarZinfo);
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
