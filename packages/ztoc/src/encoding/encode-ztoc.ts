import { ZtocError } from '../errors.ts';
import { FlatbufferWriter, type Offset } from '../flatbuffers/flatbuffer-writer.ts';
import type { FileEntry, PaxRecord, TarInteger, Ztoc } from '../ztoc.ts';
import { COMPRESSION_ALGORITHM, COMPRESSION_INFO, FIELD_COUNT, FILE_METADATA, TOC, XATTR, ZTOC } from './schema.ts';

/** FlatBuffers uses signed 32-bit offsets, which limits the size of a buffer. */
const MAX_ENCODED_SIZE = 2 ** 31 - 1;

/** Checkpoints of a zTOC that is being built. They are most of its bytes, so they are moved rather than copied. */
export interface CheckpointSource {
  /** Size in bytes. */
  readonly size: number;
  /** Moves the checkpoints into `target`, which has `size` bytes. The source may be empty afterwards. */
  moveTo(target: Uint8Array): void;
}

/** An encoded zTOC and its decoded form. */
export interface EncodedZtoc {
  /** The decoded zTOC. Its `checkpoints` are a view of `bytes`. */
  readonly ztoc: Ztoc;
  /** The result of `encodeZtoc` for it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Encodes a zTOC, byte-identical to the reference (ztoc/ztoc_marshaler.go, `ztocToFlatbuffer`). FlatBuffers leaves the
 * order of the parts of a buffer to the writer. This function uses the order of the reference, so that equal contents
 * have equal digests.
 *
 * The contents of the zTOC are not checked; {@link decodeZtoc} does that. `buildZtoc` returns an encoded zTOC already.
 * @returns A view of a buffer that may be slightly larger: use its `byteOffset` if you pass on its `buffer`.
 * @throws {ZtocError} `LIMIT_EXCEEDED` if the result would exceed 2 GiB, the limit of FlatBuffers.
 */
export function encodeZtoc(ztoc: Ztoc): Uint8Array<ArrayBuffer> {
  const { checkpoints } = ztoc;
  return encodeWith({ size: checkpoints.length, moveTo: (target) => target.set(checkpoints) }, ztoc).bytes;
}

/** Encodes a zTOC like {@link encodeZtoc}, and moves the checkpoints into it. */
export function encodeWith(source: CheckpointSource, contents: Omit<Ztoc, 'checkpoints'>): EncodedZtoc {
  const size = estimateSize(source, contents);
  if (size > MAX_ENCODED_SIZE) {
    const message = `the zTOC would have about ${size} bytes, more than the format allows (${MAX_ENCODED_SIZE}). Use a larger span size.`;
    throw new ZtocError('LIMIT_EXCEEDED', message);
  }
  const writer = new FlatbufferWriter(size);
  const version = writer.string(contents.version);
  const buildToolIdentifier = writer.string(contents.buildToolIdentifier);
  const toc = writeToc(writer, contents.files);
  const checkpointsSize = source.size;
  const checkpoints = writer.byteVector(checkpointsSize, (target) => source.moveTo(target));
  const compressionInfo = writeCompressionInfo(writer, contents, checkpoints);

  writer.startTable(FIELD_COUNT.ztoc);
  writer.reference(ZTOC.version, version);
  writer.reference(ZTOC.buildToolIdentifier, buildToolIdentifier);
  writer.reference(ZTOC.toc, toc);
  writer.int64(ZTOC.compressedArchiveSize, contents.compressedArchiveSize);
  writer.int64(ZTOC.uncompressedArchiveSize, contents.uncompressedArchiveSize);
  writer.reference(ZTOC.compressionInfo, compressionInfo);
  const bytes = writer.finish(writer.endTable());

  const start = bytes.length - checkpoints + VECTOR_HEADER_SIZE;
  return { bytes, ztoc: { ...contents, checkpoints: bytes.subarray(start, start + checkpointsSize) } };
}

/** A vector starts with its length. */
const VECTOR_HEADER_SIZE = 4;

function writeToc(writer: FlatbufferWriter, files: readonly FileEntry[]): Offset {
  const entries = new Uint32Array(files.length);
  for (let i = files.length - 1; i >= 0; i--) entries[i] = writeFile(writer, files[i] as FileEntry);
  const metadata = writer.vector(entries);
  writer.startTable(FIELD_COUNT.toc);
  writer.reference(TOC.metadata, metadata);
  return writer.endTable();
}

function writeFile(writer: FlatbufferWriter, file: FileEntry): Offset {
  const name = writer.string(file.name);
  const type = writer.string(file.type);
  const linkname = writer.string(file.linkName);
  const uname = writer.string(file.userName);
  const gname = writer.string(file.groupName);
  const modTime = writer.string(file.modTime);
  const xattrs = writer.vector(file.paxRecords.map((record) => writePaxRecord(writer, record)));

  writer.startTable(FIELD_COUNT.fileMetadata);
  writer.reference(FILE_METADATA.name, name);
  writer.reference(FILE_METADATA.type, type);
  writer.int64(FILE_METADATA.uncompressedOffset, file.uncompressedOffset);
  writer.int64(FILE_METADATA.uncompressedSize, file.uncompressedSize);
  writer.reference(FILE_METADATA.linkname, linkname);
  writer.int64(FILE_METADATA.mode, file.mode);
  writer.int32(FILE_METADATA.uid, file.uid);
  writer.int32(FILE_METADATA.gid, file.gid);
  writer.reference(FILE_METADATA.uname, uname);
  writer.reference(FILE_METADATA.gname, gname);
  writer.reference(FILE_METADATA.modTime, modTime);
  writer.int64(FILE_METADATA.devmajor, file.devMajor);
  writer.int64(FILE_METADATA.devminor, file.devMinor);
  writer.reference(FILE_METADATA.xattrs, xattrs);
  return writer.endTable();
}

function writePaxRecord(writer: FlatbufferWriter, [recordKey, recordValue]: PaxRecord): Offset {
  const key = writer.string(recordKey);
  const value = writer.string(recordValue);
  writer.startTable(FIELD_COUNT.xattr);
  writer.reference(XATTR.key, key);
  writer.reference(XATTR.value, value);
  return writer.endTable();
}

function writeCompressionInfo(
  writer: FlatbufferWriter,
  { compression, maxSpanId, spanDigests: digests }: Omit<Ztoc, 'checkpoints'>,
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

/** The root, and the vtables: a few dozen in practice, because equal ones are shared. */
const ROOT_SIZE = 4096;
/** The table of a file without its optional fields, and the maximum padding of its 64-bit fields. */
const FILE_SIZE = 32 + 12;
/** The table of a PAX record. */
const RECORD_SIZE = 12;

/**
 * Estimates the size of the encoded zTOC, a few percent high, so that the writer does not have to copy its buffer to
 * grow. An estimate that is too low costs time and memory, but the result is still correct.
 */
function estimateSize(checkpoints: CheckpointSource, ztoc: Omit<Ztoc, 'checkpoints'>): number {
  let size = ROOT_SIZE + 3 * ztoc.buildToolIdentifier.length + checkpoints.size;
  for (const digest of ztoc.spanDigests) size += 4 + stringSize(digest);
  for (const file of ztoc.files) {
    size += 4 + FILE_SIZE + stringSize(file.name) + stringSize(file.type) + stringSize(file.linkName);
    size += stringSize(file.userName) + stringSize(file.groupName) + stringSize(file.modTime);
    size += 4 + int64Size(file.uncompressedOffset) + int64Size(file.uncompressedSize) + int64Size(file.mode);
    size += int64Size(file.devMajor) + int64Size(file.devMinor) + 4 * (Math.sign(file.uid) + Math.sign(file.gid));
    for (const [key, value] of file.paxRecords) size += 4 + RECORD_SIZE + stringSize(key) + stringSize(value);
  }
  return size;
}

/** Returns the size of a string in bytes: length, bytes and a terminating zero, padded to four bytes. */
function stringSize({ length }: string | Uint8Array): number {
  return 4 + ((length + 4) & ~3);
}

/** Returns the size of a 64-bit field in bytes. The field is omitted if it is zero. */
function int64Size(value: TarInteger): number {
  return value === 0 ? 0 : 8;
}
