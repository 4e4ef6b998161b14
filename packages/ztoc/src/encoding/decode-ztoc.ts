import { NO_BYTES, toByteString } from '../byte-strings.ts';
import { ZtocError } from '../errors.ts';
import { quoteText } from '../escape-text.ts';
import { FlatbufferReader, type FlatbufferTable } from '../flatbuffers/flatbuffer-reader.ts';
import { DEFAULT_LIMITS, type ZtocLimits } from '../limits.ts';
import { listSpansAt, type Span } from '../spans/list-spans.ts';
import { type Compression, type FileEntry, type FileType, type PaxRecord, ZTOC_VERSION, type Ztoc } from '../ztoc.ts';
import { COMPRESSION_ALGORITHM, COMPRESSION_INFO, FILE_METADATA, TOC, XATTR, ZTOC } from './schema.ts';

/** Limits on the content of a zTOC. Its size limits everything else: see `MAX_SHARING` in `flatbuffer-reader.ts`. */
export interface DecodeZtocLimits extends Pick<ZtocLimits, 'maxEntries' | 'maxSpans'> {
  /**
   * Maximum memory for the decoded files, in bytes: 450 for each file, and 300 for each PAX record.
   * @default 1 GiB, which is two million files
   */
  readonly maxFilesMemory?: number;
}

/** Memory of a decoded file and of a PAX record, measured on Node.js 24. Their strings are views of the zTOC. */
const FILE_MEMORY = 450;
const RECORD_MEMORY = 300;
const DEFAULT_MAX_FILES_MEMORY = 2 ** 30;

/** Returns the memory that decoded files need, in bytes, as `maxFilesMemory` counts it. */
export function filesMemory(files: Iterable<FileEntry>): number {
  let size = 0;
  for (const { paxRecords } of files) size += FILE_MEMORY + paxRecords.length * RECORD_MEMORY;
  return size;
}

/**
 * Decodes a zTOC and checks that it is consistent: offsets are within the bytes, sizes fit, spans, digests and
 * checkpoints have the same number and are in order, and the format version is known. This does not show that the zTOC
 * belongs to a layer: each span is verified when it is read.
 *
 * Encoding the result returns the same bytes, if the reference or {@link encodeZtoc} wrote them.
 * @param bytes The whole zTOC. The result contains views of it, so do not change it afterwards.
 * @throws {ZtocError} `ZTOC_INVALID` with the byte offset of the fault, `LIMIT_EXCEEDED`.
 */
export function decodeZtoc(bytes: Uint8Array, limits: DecodeZtocLimits = {}): Ztoc {
  const reader = new FlatbufferReader(bytes, 'zTOC');
  const { root, ztoc } = decodeAllButFiles(reader, limits);
  const files = new FileDecoder(reader, ztoc.uncompressedArchiveSize);
  const { start, length } = root.table(ZTOC.toc, 'table of contents').offsets(TOC.metadata);
  checkCount(length, limits.maxEntries ?? DEFAULT_LIMITS.maxEntries, 'entries', 'maxEntries');
  const { maxFilesMemory = DEFAULT_MAX_FILES_MEMORY } = limits;
  let left = maxFilesMemory;
  const decoded: FileEntry[] = [];
  for (let i = 0; i < length; i++) {
    const file = files.decode(start + 4 * i, Math.floor(left / RECORD_MEMORY));
    left -= FILE_MEMORY + file.paxRecords.length * RECORD_MEMORY;
    if (left < 0) {
      const message = `the files of the zTOC need more memory than maxFilesMemory (${maxFilesMemory} bytes). Raise the limit if you trust the zTOC.`;
      throw new ZtocError('LIMIT_EXCEEDED', message);
    }
    decoded.push(file);
  }
  return { ...ztoc, files: decoded };
}

/**
 * Returns the files of a zTOC. Each iteration decodes them one by one, with the checks of {@link decodeZtoc}, so that
 * they need no memory at the same time.
 * @param bytes The whole zTOC. The files contain views of it, so do not change it afterwards.
 * @returns An iterable that throws {@link ZtocError} `ZTOC_INVALID` with the byte offset of the fault.
 */
export function decodeZtocFiles(bytes: Uint8Array): Iterable<FileEntry> {
  return {
    *[Symbol.iterator]() {
      const reader = new FlatbufferReader(bytes, 'zTOC');
      const root = reader.root();
      const files = new FileDecoder(reader, root.byteCount(ZTOC.uncompressedArchiveSize, 'the size of the archive'));
      const { start, length } = root.table(ZTOC.toc, 'table of contents').offsets(TOC.metadata);
      for (let i = 0; i < length; i++) yield files.decode(start + 4 * i);
    },
  };
}

/**
 * Decodes only the spans of a zTOC, with the same checks as {@link decodeZtoc}. The table of contents, which needs most
 * of the memory for layers with many files, is skipped.
 * @param bytes The whole zTOC. The result contains views of it, so do not change it afterwards.
 * @throws {ZtocError} `ZTOC_INVALID` with the byte offset of the fault, `LIMIT_EXCEEDED`.
 */
export function decodeZtocSpans(bytes: Uint8Array, limits: Pick<DecodeZtocLimits, 'maxSpans'> = {}): readonly Span[] {
  return decodeAllButFiles(new FlatbufferReader(bytes, 'zTOC'), limits).spans;
}

/** Decodes a zTOC without its files, with the checks of {@link decodeZtoc}. */
export function decodeAllButFiles(
  reader: FlatbufferReader,
  limits: DecodeZtocLimits,
): { readonly root: FlatbufferTable; readonly ztoc: Ztoc; readonly spans: readonly Span[] } {
  const root = reader.root();
  const version = decodeText(reader, root, ZTOC.version);
  if (version !== ZTOC_VERSION) {
    reader.fail(`unsupported version ${quoteText(version)}, expected ${ZTOC_VERSION}`, root.position);
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
  return { root, ztoc, spans: listSpansAt(ztoc, offset) };
}

function decodeText(reader: FlatbufferReader, table: FlatbufferTable, slot: number): string {
  const bytes = table.bytes(slot);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    reader.fail(`the string in field ${slot} is not UTF-8`, table.position);
  }
}

function decodeCompression(reader: FlatbufferReader, info: FlatbufferTable): Compression {
  const algorithm = info.int8(COMPRESSION_INFO.compressionAlgorithm, COMPRESSION_ALGORITHM.gzip);
  if (algorithm === COMPRESSION_ALGORITHM.gzip) return 'gzip';
  if (algorithm === COMPRESSION_ALGORITHM.uncompressed) return 'uncompressed';
  reader.fail(`unknown compression algorithm ${algorithm}`, info.position);
}

const SHA256_DIGEST = /^sha256:[0-9a-f]{64}$/;

function decodeSpanDigests(reader: FlatbufferReader, info: FlatbufferTable, maxSpans: number): string[] {
  const { start, length } = info.offsets(COMPRESSION_INFO.spanDigests);
  checkCount(length, maxSpans, 'spans', 'maxSpans');
  return Array.from({ length }, (_, i) => {
    const at = start + 4 * i;
    const bytes = reader.stringAt(at);
    const digest = bytes.length === 71 ? toByteString(bytes) : '';
    if (!SHA256_DIGEST.test(digest)) reader.fail(`the digest of span ${i} is not sha256:<64 hexadecimal digits>`, at);
    return digest;
  });
}

/** @throws {ZtocError} `LIMIT_EXCEEDED` if a zTOC has more entries or spans than a limit. */
export function checkCount(count: number, limit: number, what: string, option: keyof DecodeZtocLimits): void {
  if (count > limit) {
    throw new ZtocError('LIMIT_EXCEEDED', `the zTOC has ${count} ${what}, more than ${option} (${limit})`);
  }
}

/**
 * Charge for a file and for a PAX record in addition to their bytes: about the minimum that they take in a real zTOC.
 */
const FILE_CHARGE = 64;
const RECORD_CHARGE = 16;

const FILE_TYPES: ReadonlySet<string> = new Set(['reg', 'dir', 'symlink', 'hardlink', 'char', 'block', 'fifo']);

/** RFC 3339 as Go prints it, or empty. If the reference ran in another time zone, the time is in that zone. */
const MOD_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?$/;

const NO_RECORDS: readonly PaxRecord[] = [];

/** Decodes the files of a zTOC. Adjacent files share equal values, such as owners and times, to save memory. */
export class FileDecoder {
  readonly #reader: FlatbufferReader;
  readonly #archiveSize: number;
  #userName: Uint8Array = NO_BYTES;
  #groupName: Uint8Array = NO_BYTES;
  #modTimeBytes: Uint8Array = NO_BYTES;
  #modTime = '';
  #typeBytes: Uint8Array = NO_BYTES;
  #type: FileType | undefined;

  /** @param reader The zTOC. @param archiveSize Size of the uncompressed archive; every file must start within it. */
  constructor(reader: FlatbufferReader, archiveSize: number) {
    this.#reader = reader;
    this.#archiveSize = archiveSize;
  }

  /** Decodes the file at the offset stored at `position`. Stops after one PAX record more than `maxRecords`. */
  decode(position: number, maxRecords = Number.POSITIVE_INFINITY): FileEntry {
    const table = this.#reader.tableAt(position);
    this.#reader.charge(FILE_CHARGE, table.position);
    this.#userName = table.bytesOr(FILE_METADATA.uname, this.#userName);
    this.#groupName = table.bytesOr(FILE_METADATA.gname, this.#groupName);
    this.#modTime = this.#decodeModTime(table);
    const type = this.#decodeType(table);
    return {
      name: table.bytes(FILE_METADATA.name),
      type,
      uncompressedOffset: this.#decodeOffset(table),
      uncompressedSize: this.#decodeSize(table, type),
      linkName: table.bytesOr(FILE_METADATA.linkname, NO_BYTES),
      mode: table.int64(FILE_METADATA.mode),
      uid: table.uint32(FILE_METADATA.uid),
      gid: table.uint32(FILE_METADATA.gid),
      userName: this.#userName,
      groupName: this.#groupName,
      modTime: this.#modTime,
      devMajor: table.int64(FILE_METADATA.devmajor),
      devMinor: table.int64(FILE_METADATA.devminor),
      paxRecords: this.#decodePaxRecords(table, maxRecords),
    };
  }

  #decodeType(table: FlatbufferTable): FileType {
    const bytes = table.bytesOr(FILE_METADATA.type, this.#typeBytes);
    if (bytes === this.#typeBytes && this.#type !== undefined) return this.#type;
    const type = bytes.length <= 'hardlink'.length ? toByteString(bytes) : '';
    if (!FILE_TYPES.has(type)) this.#reader.fail('unknown file type', table.position);
    this.#typeBytes = bytes;
    this.#type = type as FileType;
    return this.#type;
  }

  #decodeOffset(table: FlatbufferTable): number {
    const offset = table.byteCount(FILE_METADATA.uncompressedOffset, 'the offset of a file');
    if (offset > this.#archiveSize) {
      const message = `a file starts at offset ${offset}, after the end of the archive at ${this.#archiveSize}`;
      this.#reader.fail(message, table.position);
    }
    return offset;
  }

  /** Only regular files have a size. For other types, a header may contain any number. */
  #decodeSize(table: FlatbufferTable, type: FileType): number {
    const size = table.int64(FILE_METADATA.uncompressedSize);
    if (type !== 'reg' && typeof size === 'number') return size;
    return table.byteCount(FILE_METADATA.uncompressedSize, 'the size of a file');
  }

  #decodeModTime(table: FlatbufferTable): string {
    const bytes = table.bytesOr(FILE_METADATA.modTime, this.#modTimeBytes);
    if (bytes === this.#modTimeBytes) return this.#modTime;
    const time = bytes.length <= '2006-01-02T15:04:05.999999999+07:00'.length ? toByteString(bytes) : '?';
    if (!MOD_TIME.test(time)) this.#reader.fail('a modification time is not RFC 3339', table.position);
    this.#modTimeBytes = bytes;
    return time;
  }

  #decodePaxRecords(table: FlatbufferTable, maxRecords: number): readonly PaxRecord[] {
    const { start, length } = table.offsets(FILE_METADATA.xattrs);
    if (length === 0) return NO_RECORDS;
    const records: PaxRecord[] = [];
    for (let i = 0; i < length && i <= maxRecords; i++) {
      const record = this.#reader.tableAt(start + 4 * i);
      this.#reader.charge(RECORD_CHARGE, record.position);
      records.push([record.bytes(XATTR.key), record.bytes(XATTR.value)]);
    }
    return records;
  }
}
