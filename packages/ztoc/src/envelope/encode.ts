import { Builder } from 'flatbuffers';
import { ZtocError } from '../errors.ts';
import type { FileEntry, FileType, PaxRecord, TarInteger, Ztoc } from '../ztoc.ts';
import { COMPRESSION_ALGORITHM, COMPRESSION_INFO, FIELD_COUNT, FILE_METADATA, TOC, XATTR, ZTOC } from './schema.ts';

const UTF8 = new TextEncoder();

/** Bytes of the types, of which there are seven: encoding one anew for each file would cost more than all else. */
const typeBytes = new Map<string, Uint8Array>();

function encodeType(type: FileType): Uint8Array {
  let bytes = typeBytes.get(type);
  if (bytes === undefined) {
    bytes = UTF8.encode(type);
    typeBytes.set(type, bytes);
  }
  return bytes;
}

/** Room for the longest time there is, taken by one after another, for the same reason. */
const timeBytes = new Uint8Array('2006-01-02T15:04:05.999999999+07:00'.length);

function encodeTime(time: string): Uint8Array {
  const { read, written } = UTF8.encodeInto(time, timeBytes);
  return read === time.length ? timeBytes.subarray(0, written) : UTF8.encode(time);
}

/** FlatBuffers' offsets are 32-bit and signed in places: no buffer may be larger. */
const MAX_ENVELOPE_SIZE = 2 ** 31 - 1;

/**
 * Writes a zTOC as the reference does, byte for byte (ztoc/ztoc_marshaler.go, `ztocToFlatbuffer`). FlatBuffers leaves
 * the order of a buffer's parts to its writer; the order here is the reference's, so equal contents have equal digests.
 *
 * What the zTOC says is not checked: {@link decodeZtoc} does that.
 * @returns A view of a buffer that may be a little larger: mind its `byteOffset` when handing on its `buffer`.
 * @throws {ZtocError} `LIMIT_EXCEEDED` when the zTOC would pass 2 GiB, the most FlatBuffers can address.
 */
export function encodeZtoc(ztoc: Ztoc): Uint8Array {
  const size = estimateSize(ztoc);
  if (size > MAX_ENVELOPE_SIZE) {
    throw new ZtocError(
      'LIMIT_EXCEEDED',
      `the zTOC would take about ${size} bytes, and its format can address ${MAX_ENVELOPE_SIZE}: use a larger span size`,
    );
  }
  const builder = new Builder(size);
  const version = builder.createString(ztoc.version);
  const buildToolIdentifier = builder.createString(ztoc.buildToolIdentifier);
  const toc = addToc(builder, ztoc.files);
  const compressionInfo = addCompressionInfo(builder, ztoc);

  builder.startObject(FIELD_COUNT.ztoc);
  builder.addFieldOffset(ZTOC.version, version, 0);
  builder.addFieldOffset(ZTOC.buildToolIdentifier, buildToolIdentifier, 0);
  builder.addFieldOffset(ZTOC.toc, toc, 0);
  addInt64(builder, ZTOC.compressedArchiveSize, ztoc.compressedArchiveSize);
  addInt64(builder, ZTOC.uncompressedArchiveSize, ztoc.uncompressedArchiveSize);
  builder.addFieldOffset(ZTOC.compressionInfo, compressionInfo, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

function addToc(builder: Builder, files: readonly FileEntry[]): number {
  const offsets = new Uint32Array(files.length);
  for (let i = files.length - 1; i >= 0; i--) offsets[i] = addFile(builder, files[i]);
  const metadata = addOffsets(builder, offsets);
  builder.startObject(FIELD_COUNT.toc);
  builder.addFieldOffset(TOC.metadata, metadata, 0);
  return builder.endObject();
}

function addFile(builder: Builder, file: FileEntry): number {
  const name = builder.createString(file.name);
  const type = builder.createString(encodeType(file.type));
  const linkname = builder.createString(file.linkName);
  const uname = builder.createString(file.userName);
  const gname = builder.createString(file.groupName);
  const modTime = builder.createString(encodeTime(file.modTime));
  const xattrs = addPaxRecords(builder, file.paxRecords);

  builder.startObject(FIELD_COUNT.fileMetadata);
  builder.addFieldOffset(FILE_METADATA.name, name, 0);
  builder.addFieldOffset(FILE_METADATA.type, type, 0);
  addInt64(builder, FILE_METADATA.uncompressedOffset, file.uncompressedOffset);
  addInt64(builder, FILE_METADATA.uncompressedSize, file.uncompressedSize);
  builder.addFieldOffset(FILE_METADATA.linkname, linkname, 0);
  addInt64(builder, FILE_METADATA.mode, file.mode);
  builder.addFieldInt32(FILE_METADATA.uid, file.uid, 0);
  builder.addFieldInt32(FILE_METADATA.gid, file.gid, 0);
  builder.addFieldOffset(FILE_METADATA.uname, uname, 0);
  builder.addFieldOffset(FILE_METADATA.gname, gname, 0);
  builder.addFieldOffset(FILE_METADATA.modTime, modTime, 0);
  addInt64(builder, FILE_METADATA.devmajor, file.devMajor);
  addInt64(builder, FILE_METADATA.devminor, file.devMinor);
  builder.addFieldOffset(FILE_METADATA.xattrs, xattrs, 0);
  return builder.endObject();
}

function addPaxRecords(builder: Builder, records: readonly PaxRecord[]): number {
  const offsets = records.map(([recordKey, recordValue]) => {
    const key = builder.createString(recordKey);
    const value = builder.createString(recordValue);
    builder.startObject(FIELD_COUNT.xattr);
    builder.addFieldOffset(XATTR.key, key, 0);
    builder.addFieldOffset(XATTR.value, value, 0);
    return builder.endObject();
  });
  return addOffsets(builder, offsets);
}

function addCompressionInfo(builder: Builder, ztoc: Ztoc): number {
  const checkpoints = builder.createByteVector(ztoc.checkpoints);
  const digests = ztoc.spanDigests.map((digest) => builder.createString(digest));
  const spanDigests = addOffsets(builder, digests);
  builder.startObject(FIELD_COUNT.compressionInfo);
  builder.addFieldInt32(COMPRESSION_INFO.maxSpanId, ztoc.maxSpanId, 0);
  builder.addFieldOffset(COMPRESSION_INFO.spanDigests, spanDigests, 0);
  builder.addFieldOffset(COMPRESSION_INFO.checkpoints, checkpoints, 0);
  builder.addFieldInt8(
    COMPRESSION_INFO.compressionAlgorithm,
    COMPRESSION_ALGORITHM[ztoc.compression],
    COMPRESSION_ALGORITHM.gzip,
  );
  return builder.endObject();
}

/** A vector of offsets. The buffer grows towards its front, so the last goes in first. */
function addOffsets(builder: Builder, offsets: ArrayLike<number>): number {
  builder.startVector(4, offsets.length, 4);
  for (let i = offsets.length - 1; i >= 0; i--) builder.addOffset(offsets[i]);
  return builder.endVector();
}

const ZERO = 0n;

function addInt64(builder: Builder, slot: number, value: TarInteger): void {
  // A zero is the default and leaves no trace: most device numbers never become a bigint.
  if (value !== 0) builder.addFieldInt64(slot, BigInt(value), ZERO);
}

/** The root, and the shapes of tables: a few dozen in practice, since equal ones are shared. */
const ROOT_SIZE = 4096;
/** A file's table with every field left out that can be, and the most that its wide fields are padded by. */
const FILE_SIZE = 32 + 12;
/** A PAX record's table. */
const RECORD_SIZE = 12;

/**
 * What the envelope takes, and a few percent more, so that the builder never copies it to grow. If it fell short, it
 * would cost time and memory, not correctness.
 */
function estimateSize(ztoc: Ztoc): number {
  let size = ROOT_SIZE + 3 * ztoc.buildToolIdentifier.length + ztoc.checkpoints.length;
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
