/** Default span size of the reference: 4 MiB of uncompressed data between checkpoints (soci/soci_index.go). */
export const DEFAULT_SPAN_SIZE = 1 << 22;

/** Build tool identifier of the reference (soci/soci_index.go). It is part of the zTOC, so it affects the digest. */
export const DEFAULT_BUILD_TOOL_IDENTIFIER = 'AWS SOCI CLI v0.2';

/** The only version of the format (ztoc/ztoc.go, `Version09`). */
export const ZTOC_VERSION = '0.9';

/** Compression of a layer, as a zTOC can describe it (ztoc.fbs, `CompressionAlgorithm`). */
export type Compression = 'gzip' | 'uncompressed';

/** Types of tar entry that a zTOC can contain (ztoc/toc_builder.go, `getType`). */
export type FileType = 'reg' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** An integer of a tar header: a `bigint` only if its magnitude is above 2^53 - 1, otherwise a `number`. */
export type TarInteger = number | bigint;

/**
 * One tar entry, as Go's archive/tar reads it (ztoc.fbs, `FileMetadata`).
 * Names are bytes, because tar names are not always UTF-8.
 */
export interface FileEntry {
  /** Path as in the archive: `./` prefixes and trailing slashes are kept. */
  readonly name: Uint8Array;
  readonly type: FileType;
  /** Offset of the file content in the uncompressed tar stream, in bytes. */
  readonly uncompressedOffset: number;
  /**
   * Size of the file in bytes. For sparse files this is the logical size, as in the reference. For entries other than
   * `reg` it is the unchecked value of the header, which may be non-zero or negative. Do not rely on it.
   */
  readonly uncompressedSize: number;
  /** Target of a symbolic or hard link. For other types, the content of the header field, as Go's reader keeps it. */
  readonly linkName: Uint8Array;
  /** Permission and mode bits. */
  readonly mode: TarInteger;
  /** User ID, 0 to 2^32 - 1. */
  readonly uid: number;
  /** Group ID, 0 to 2^32 - 1. */
  readonly gid: number;
  readonly userName: Uint8Array;
  readonly groupName: Uint8Array;
  /** RFC 3339 time in UTC without trailing zeros, as Go prints it. Empty if the year is outside 0 to 9999. */
  readonly modTime: string;
  readonly devMajor: TarInteger;
  readonly devMinor: TarInteger;
  /** Raw PAX records of the entry, sorted by the bytes of their keys. Called `xattrs` in ztoc.fbs for compatibility. */
  readonly paxRecords: readonly PaxRecord[];
}

/** A PAX record of the archive: key and value, not decoded. */
export type PaxRecord = readonly [key: Uint8Array, value: Uint8Array];

/**
 * A zTOC: the table of contents of one layer, with the state that is needed to start decompression at each span
 * (ztoc.fbs, `Ztoc`). Created by `buildZtoc` or `decodeZtoc`.
 */
export interface Ztoc {
  /** Format version, `0.9`. */
  readonly version: string;
  /** Tool that built the zTOC. */
  readonly buildToolIdentifier: string;
  /** Size of the layer blob in bytes. */
  readonly compressedArchiveSize: number;
  /**
   * Offset in the uncompressed stream at which the tar reader stopped: after the two zero blocks, not the stream's end.
   */
  readonly uncompressedArchiveSize: number;
  /** Entries of the layer in archive order. */
  readonly files: readonly FileEntry[];
  readonly compression: Compression;
  /** Number of spans minus one; -1 for an empty uncompressed layer. */
  readonly maxSpanId: number;
  /** `sha256:<hex>` of the compressed bytes of each span. */
  readonly spanDigests: readonly string[];
  /** Packed checkpoints, as stored in the zTOC: see `gzip/checkpoints.ts` and `spans/list-spans.ts`. */
  readonly checkpoints: Uint8Array;
}
