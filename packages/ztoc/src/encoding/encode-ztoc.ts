import { ZtocError } from '../errors.ts';
import { FlatbufferReader } from '../flatbuffers/flatbuffer-reader.ts';
import { FlatbufferWriter, type Offset } from '../flatbuffers/flatbuffer-writer.ts';
import type { Ztoc } from '../ztoc.ts';
import { encodedFileSize, ROOT_SIZE, SPAN_DIGEST_SIZE } from './encoded-size.ts';
import { COMPRESSION_ALGORITHM, COMPRESSION_INFO, FIELD_COUNT, TOC, ZTOC } from './schema.ts';
import { writeFiles } from './write-file.ts';

/** FlatBuffers uses signed 32-bit offsets, which limits the size of a buffer. */
const MAX_ENCODED_SIZE = 2 ** 31 - 1;

/** Checkpoints of a zTOC that is being built. They are most of its bytes, so they are moved rather than copied. */
export interface CheckpointSource {
  /** Size in bytes. */
  readonly size: number;
  /** Moves the checkpoints into `target`, which has `size` bytes. The source may be empty afterwards. */
  moveTo(target: Uint8Array): void;
}

/** Entries of a zTOC that is being built. A zTOC is written from its end. */
export interface EntrySource {
  /** Number of entries. */
  readonly count: number;
  /** Size of the encoded entries in bytes, at least approximately. */
  readonly encodedSize: number;
  /** Writes all entries, the last one first. @returns their offsets, in archive order */
  writeTo(writer: FlatbufferWriter): Uint32Array;
}

/** The parts of a zTOC that are neither entries nor checkpoints. */
export type ZtocHead = Omit<Ztoc, 'checkpoints' | 'files'>;

/** An encoded zTOC. */
export interface EncodedZtoc {
  /** The result of `encodeZtoc`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The checkpoints, as a view of `bytes`. */
  readonly checkpoints: Uint8Array;
}

/**
 * Encodes a zTOC, byte-identical to the reference (ztoc/ztoc_marshaler.go, `ztocToFlatbuffer`). FlatBuffers leaves the
 * order of the parts of a buffer to the writer. This function uses the order of the reference, so that equal contents
 * have equal digests.
 *
 * The contents of the zTOC are not checked; {@link decodeZtoc} does that. `buildZtoc` returns an encoded zTOC already.
 * @returns A view of a buffer that may be larger: use its `byteOffset` if you pass on its `buffer`.
 * @throws {ZtocError} `LIMIT_EXCEEDED` if the result would exceed 2 GiB, the limit of FlatBuffers.
 */
export function encodeZtoc(ztoc: Ztoc): Uint8Array<ArrayBuffer> {
  const { checkpoints, files, ...head } = ztoc;
  const entries: EntrySource = {
    count: files.length,
    encodedSize: files.reduce((size, file) => size + encodedFileSize(file), 0),
    writeTo: (writer) => writeFiles(writer, files.length, files.toReversed()),
  };
  const source = { size: checkpoints.length, moveTo: (target: Uint8Array) => target.set(checkpoints) };
  return encodeParts(head, entries, source).bytes;
}

/** Encodes a zTOC like {@link encodeZtoc}. Takes its entries and moves the checkpoints into it. */
export function encodeParts(head: ZtocHead, entries: EntrySource, source: CheckpointSource): EncodedZtoc {
  const writer = createWriter(head, source, 3 * head.buildToolIdentifier.length + entries.encodedSize);
  const version = writer.string(head.version);
  const buildToolIdentifier = writer.string(head.buildToolIdentifier);
  return finishZtoc(writer, { version, buildToolIdentifier, toc: writeToc(writer, entries) }, head, source);
}

/**
 * Encodes a zTOC with other spans. Copies its files, so this takes little time for a layer with many files.
 * @param bytes A zTOC that {@link encodeZtoc} or `buildZtoc` returned.
 */
export function encodeWithSpans(bytes: Uint8Array, head: ZtocHead, source: CheckpointSource): EncodedZtoc {
  const root = new FlatbufferReader(bytes, 'zTOC').root();
  const toc = root.table(ZTOC.toc, 'table of contents');
  // The table of contents is written after the strings and its files, and before the spans.
  const end = bytes.subarray(toc.vtable);
  const offsetOf = (string: Uint8Array): Offset =>
    bytes.length - (string.byteOffset - bytes.byteOffset - VECTOR_HEADER_SIZE);
  const parts = {
    version: offsetOf(root.bytes(ZTOC.version)),
    buildToolIdentifier: offsetOf(root.bytes(ZTOC.buildToolIdentifier)),
    toc: bytes.length - toc.position,
  };
  const writer = createWriter(head, source, end.length);
  writer.copyEnd(end);
  return finishZtoc(writer, parts, head, source);
}

/** @param size Size of the other parts, at least approximately. @throws {ZtocError} `LIMIT_EXCEEDED` */
function createWriter({ spanDigests }: ZtocHead, source: CheckpointSource, size: number): FlatbufferWriter {
  const total = ROOT_SIZE + source.size + spanDigests.length * SPAN_DIGEST_SIZE + size;
  if (total <= MAX_ENCODED_SIZE) return new FlatbufferWriter(total);
  const message = `the zTOC would have about ${total} bytes, more than the format allows (${MAX_ENCODED_SIZE}). Use a larger span size.`;
  throw new ZtocError('LIMIT_EXCEEDED', message);
}

/** Parts of a zTOC that are written first. */
interface FirstParts {
  readonly version: Offset;
  readonly buildToolIdentifier: Offset;
  readonly toc: Offset;
}

function finishZtoc(
  writer: FlatbufferWriter,
  { version, buildToolIdentifier, toc }: FirstParts,
  head: ZtocHead,
  source: CheckpointSource,
): EncodedZtoc {
  const checkpointsSize = source.size;
  const checkpoints = writer.byteVector(checkpointsSize, (target) => source.moveTo(target));
  const compressionInfo = writeCompressionInfo(writer, head, checkpoints);

  writer.startTable(FIELD_COUNT.ztoc);
  writer.reference(ZTOC.version, version);
  writer.reference(ZTOC.buildToolIdentifier, buildToolIdentifier);
  writer.reference(ZTOC.toc, toc);
  writer.int64(ZTOC.compressedArchiveSize, head.compressedArchiveSize);
  writer.int64(ZTOC.uncompressedArchiveSize, head.uncompressedArchiveSize);
  writer.reference(ZTOC.compressionInfo, compressionInfo);
  const bytes = writer.finish(writer.endTable());

  const start = bytes.length - checkpoints + VECTOR_HEADER_SIZE;
  return { bytes, checkpoints: bytes.subarray(start, start + checkpointsSize) };
}

/** A vector starts with its length. */
const VECTOR_HEADER_SIZE = 4;

function writeToc(writer: FlatbufferWriter, entries: EntrySource): Offset {
  const metadata = writer.vector(entries.writeTo(writer));
  writer.startTable(FIELD_COUNT.toc);
  writer.reference(TOC.metadata, metadata);
  return writer.endTable();
}

function writeCompressionInfo(
  writer: FlatbufferWriter,
  { compression, maxSpanId, spanDigests: digests }: ZtocHead,
  checkpoints: Offset,
): Offset {
  const spanDigests = writer.vector(digests.map((digest) => writer.string(digest)));
  writer.startTable(FIELD_COUNT.compressionInfo);
  writer.int32(COMPRESSION_INFO.maxSpanId, maxSpanId);
  writer.reference(COMPRESSION_INFO.spanDigests, spanDigests);
  writer.reference(COMPRESSION_INFO.checkpoints, checkpoints);
  writer.int8(COMPRESSION_INFO.compressionAlgorithm, COMPRESSION_ALGORITHM[compression], COMPRESSION_ALGORITHM.gzip);
  return writer.endTable();
}
