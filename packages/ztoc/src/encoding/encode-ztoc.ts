import { ZtocError } from '../errors.ts';
import { FlatbufferWriter, type Written } from '../flatbuffers/flatbuffer-writer.ts';
import type { FileEntry, PaxRecord, TarInteger, Ztoc } from '../ztoc.ts';
import { COMPRESSION_ALGORITHM, COMPRESSION_INFO, FIELD_COUNT, FILE_METADATA, TOC, XATTR, ZTOC } from './schema.ts';

/** FlatBuffers' offsets are 32-bit and signed in places: no buffer may be larger. */
const MAX_ENVELOPE_SIZE = 2 ** 31 - 1;

/** The checkpoints of a zTOC that is being made: they are most of its bytes, and need not exist twice. */
export interface CheckpointSource {
  /** Bytes they take. */
  readonly size: number;
  /** Puts them into `target`, which has that size. They may be gone from where they were. */
  moveTo(target: Uint8Array): void;
}

/** A zTOC encoded, and the same to read. */
export interface EncodedZtoc {
  /** Its `checkpoints` are a view of `bytes`. */
  readonly ztoc: Ztoc;
  /** What `encodeZtoc` gives for it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Writes a zTOC as the reference does, byte for byte (ztoc/ztoc_marshaler.go, `ztocToFlatbuffer`). FlatBuffers leaves
 * the order of a buffer's parts to its writer; the order here is the reference's, so equal contents have equal digests.
 *
 * What the zTOC says is not checked: {@link decodeZtoc} does that. What `buildZtoc` gives is encoded already.
 * @returns A view of a buffer that may be a little larger: mind its `byteOffset` when handing on its `buffer`.
 * @throws {ZtocError} `LIMIT_EXCEEDED` when the zTOC would pass 2 GiB, the most FlatBuffers can address.
 */
export function encodeZtoc(ztoc: Ztoc): Uint8Array<ArrayBuffer> {
  const { checkpoints } = ztoc;
  return encodeWith({ size: checkpoints.length, moveTo: (target) => target.set(checkpoints) }, ztoc).bytes;
}

/** Encodes a zTOC as {@link encodeZtoc} does, with checkpoints that are moved into it. */
export function encodeWith(source: CheckpointSource, contents: Omit<Ztoc, 'checkpoints'>): EncodedZtoc {
  const size = estimateSize(source, contents);
  if (size > MAX_ENVELOPE_SIZE) {
    const message = `the zTOC would take about ${size} bytes, and its format can address ${MAX_ENVELOPE_SIZE}: use a larger span size`;
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

function writeToc(writer: FlatbufferWriter, files: readonly FileEntry[]): Written {
  const entries = new Uint32Array(files.length);
  for (let i = files.length - 1; i >= 0; i--) entries[i] = writeFile(writer, files[i] as FileEntry);
  const metadata = writer.vector(entries);
  writer.startTable(FIELD_COUNT.toc);
  writer.reference(TOC.metadata, metadata);
  return writer.endTable();
}

function writeFile(writer: FlatbufferWriter, file: FileEntry): Written {
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

function writePaxRecord(writer: FlatbufferWriter, [recordKey, recordValue]: PaxRecord): Written {
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
  checkpoints: Written,
): Written {
  const spanDigests = writer.vector(digests.map((digest) => writer.string(digest)));
  writer.startTable(FIELD_COUNT.compressionInfo);
  writer.int32(COMPRESSION_INFO.maxSpanId, maxSpanId);
  writer.reference(COMPRESSION_INFO.spanDigests, spanDigests);
  writer.reference(COMPRESSION_INFO.checkpoints, checkpoints);
  writer.int8(COMPRESSION_INFO.compressionAlgorithm, COMPRESSION_ALGORITHM[compression], COMPRESSION_ALGORITHM.gzip);
  return writer.endTable();
}

/** The root, and the shapes of tables: a few dozen in practice, since equal ones are shared. */
const ROOT_SIZE = 4096;
/** A file's table with every field left out that can be, and the most that its wide fields are padded by. */
const FILE_SIZE = 32 + 12;
/** A PAX record's table. */
const RECORD_SIZE = 12;

/**
 * What the envelope takes, and a few percent more, so that the writer need not copy it to grow. If it fell short, it
 * would cost time and memory, not correctness.
 */
function estimateSize(checkpoints: CheckpointSource, ztoc: Omit<Ztoc, 'checkpoints'>): number {
  let size = ROOT_SIZE + 3 * ztoc.buildToolIdentifier.length + checkpoints.size;
  for (const digest of ztoc.spanDigests) size += 4 + stringSize(digest);
  for (const file of ztoc.files) {
    size += 4 + FILE_SIZE + stringSize(file.name) + stringSize(file.type) + stringSize(file.linkName);
    size += stringSize(file.userName) + stringSize(file.groupName) + stringSize(file.modTime);
    size += 4 + wideSize(file.uncompressedOffset) + wideSize(file.uncompressedSize) + wideSize(file.mode);
    size += wideSize(file.devMajor) + wideSize(file.devMinor) + 4 * (Math.sign(file.uid) + Math.sign(file.gid));
    for (const [key, value] of file.paxRecords) size += 4 + RECORD_SIZE + stringSize(key) + stringSize(value);
  }
  return size;
}

/** A string's length, its bytes and a zero, padded to four bytes. */
function stringSize({ length }: string | Uint8Array): number {
  return 4 + ((length + 4) & ~3);
}

/** A 64-bit field, which is left out when it is zero. */
function wideSize(value: TarInteger): number {
  return value === 0 ? 0 : 8;
}
