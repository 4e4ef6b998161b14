import { ZtocError } from '../errors.ts';
import { DEFAULT_LIMITS, type ZtocLimits } from '../limits.ts';
import { listSpans, type Span } from '../spans/spans.ts';
import { type Compression, ZTOC_VERSION, type Ztoc } from '../ztoc.ts';
import { FileDecoder } from './file-decoder.ts';
import { FlatbufferReader, type FlatbufferTable } from './flatbuffer-reader.ts';
import { COMPRESSION_ALGORITHM, COMPRESSION_INFO, TOC, ZTOC } from './schema.ts';

/** Bounds on what a zTOC may hold. Its bytes bound the rest: see `MAX_SHARING` in `flatbuffer-reader.ts`. */
export type DecodeZtocLimits = Pick<ZtocLimits, 'maxEntries' | 'maxSpans'>;

/**
 * Reads a zTOC, and checks that it is one and agrees with itself: nothing lies outside the bytes, every size and
 * offset fits, spans, digests and checkpoints are as many as each other and in order, and the format's version is known.
 * Whether it belongs to a layer only the layer's bytes can tell: each span is verified when it is read.
 *
 * Encoding the result gives the same bytes again, if the reference or {@link encodeZtoc} wrote them.
 * @param bytes The whole zTOC. The result holds views of it, so it must not change afterwards.
 * @throws {ZtocError} `ZTOC_INVALID` with the byte offset of the fault, `LIMIT_EXCEEDED`.
 */
export function decodeZtoc(bytes: Uint8Array, limits: DecodeZtocLimits = {}): Ztoc {
  const reader = new FlatbufferReader(bytes, 'zTOC');
  const { root, ztoc } = decodeAllButFiles(reader, limits);
  const files = new FileDecoder(reader, ztoc.uncompressedArchiveSize);
  const { start, length } = root.table(ZTOC.toc, 'table of contents').offsets(TOC.metadata);
  checkCount(length, limits.maxEntries ?? DEFAULT_LIMITS.maxEntries, 'entries', 'maxEntries');
  return { ...ztoc, files: Array.from({ length }, (_, i) => files.decode(start + 4 * i)) };
}

/**
 * Reads the spans of a zTOC alone, checked as by {@link decodeZtoc}: the table of contents, which takes most of the memory
 * where there are many files, is not looked at.
 * @param bytes The whole zTOC. The result holds views of it, so it must not change afterwards.
 * @throws {ZtocError} `ZTOC_INVALID` with the byte offset of the fault, `LIMIT_EXCEEDED`.
 */
export function decodeZtocSpans(bytes: Uint8Array, limits: Pick<DecodeZtocLimits, 'maxSpans'> = {}): readonly Span[] {
  return decodeAllButFiles(new FlatbufferReader(bytes, 'zTOC'), limits).spans;
}

function decodeAllButFiles(
  reader: FlatbufferReader,
  limits: DecodeZtocLimits,
): { readonly root: FlatbufferTable; readonly ztoc: Ztoc; readonly spans: readonly Span[] } {
  const root = reader.root();
  const version = decodeText(reader, root, ZTOC.version);
  if (version !== ZTOC_VERSION) {
    reader.fail(
      `its version is ${JSON.stringify(version.slice(0, 16))}, and only ${ZTOC_VERSION} is known`,
      root.position,
    );
  }
  const info = root.table(ZTOC.compressionInfo, 'compression info');
  const ztoc: Ztoc = {
    version,
    buildToolIdentifier: decodeText(reader, root, ZTOC.buildToolIdentifier),
    compressedArchiveSize: root.byteCount(ZTOC.compressedArchiveSize, 'the size of the layer'),
    uncompressedArchiveSize: root.byteCount(ZTOC.uncompressedArchiveSize, 'the size of the archive'),
    files: [],
    compression: decodeCompression(reader, info),
    maxSpanId: info.int32(COMPRESSION_INFO.maxSpanId),
    spanDigests: decodeSpanDigests(reader, info, limits.maxSpans ?? DEFAULT_LIMITS.maxSpans),
    checkpoints: info.bytes(COMPRESSION_INFO.checkpoints),
  };
  const offset = ztoc.checkpoints.byteOffset - reader.bytes.byteOffset;
  return { root, ztoc, spans: listSpans(ztoc, offset) };
}

function decodeText(reader: FlatbufferReader, table: FlatbufferTable, slot: number): string {
  const bytes = table.bytes(slot);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    reader.fail(`the string of field ${slot} is not UTF-8`, table.position);
  }
}

function decodeCompression(reader: FlatbufferReader, info: FlatbufferTable): Compression {
  const algorithm = info.int8(COMPRESSION_INFO.compressionAlgorithm, COMPRESSION_ALGORITHM.gzip);
  if (algorithm === COMPRESSION_ALGORITHM.gzip) return 'gzip';
  if (algorithm === COMPRESSION_ALGORITHM.uncompressed) return 'uncompressed';
  reader.fail(`its compression algorithm ${algorithm} is not known`, info.position);
}

const SHA256_DIGEST = /^sha256:[0-9a-f]{64}$/;

function decodeSpanDigests(reader: FlatbufferReader, info: FlatbufferTable, maxSpans: number): string[] {
  const { start, length } = info.offsets(COMPRESSION_INFO.spanDigests);
  checkCount(length, maxSpans, 'spans', 'maxSpans');
  return Array.from({ length }, (_, i) => {
    const at = start + 4 * i;
    const bytes = reader.stringAt(at);
    const digest = bytes.length === 71 ? String.fromCharCode(...bytes) : '';
    if (!SHA256_DIGEST.test(digest)) reader.fail(`the digest of span ${i} is not sha256:<64 hexadecimal digits>`, at);
    return digest;
  });
}

function checkCount(count: number, limit: number, what: string, option: keyof DecodeZtocLimits): void {
  if (count > limit) {
    throw new ZtocError('LIMIT_EXCEEDED', `the zTOC has ${count} ${what}, and ${option} allows ${limit}`);
  }
}
