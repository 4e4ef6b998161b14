/** Span size that the reference uses unless told otherwise: 4 MiB of uncompressed data between checkpoints (soci/soci_index.go). */
export const DEFAULT_SPAN_SIZE = 1 << 22;

/** Build tool identifier of the reference; it is part of the zTOC, so digests agree only while it does (soci/soci_index.go). */
export const DEFAULT_BUILD_TOOL_IDENTIFIER = 'AWS SOCI CLI v0.2';

/** The only version of the format there is (ztoc/ztoc.go, `Version09`). */
export const ZTOC_VERSION = '0.9';

/** How the layer is compressed, as far as a zTOC can say it (ztoc.fbs, `CompressionAlgorithm`). */
export type Compression = 'gzip' | 'uncompressed';

/** The kinds of tar entry that a zTOC may hold (ztoc/toc_builder.go, `getType`). */
export type FileType = 'reg' | 'dir' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

/** An integer of the tar header: a `number` where that is exact, a `bigint` only beyond ±(2^53 - 1), which no sane archive holds. */
export type TarInteger = number | bigint;

/**
 * One tar entry, as Go's archive/tar reads it (ztoc.fbs, `FileMetadata`).
 * Names are bytes, because not all tar names are UTF-8.
 */
export interface FileEntry {
  /** Path as the archive has it: `./` prefixes and trailing slashes are kept. */
  readonly name: Uint8Array;
  readonly type: FileType;
  /** Where the body starts in the uncompressed tar stream, in bytes. */
  readonly uncompressedOffset: number;
  /**
   * Size of the body in bytes; for sparse files the logical size, as the reference has it. Of an entry that has no body
   * (anything but `reg`) it is whatever the header says, which can be other than zero, even negative: not to be trusted.
   */
  readonly uncompressedSize: number;
  /** Target of a symlink or hardlink; of other types whatever the field holds, as Go's reader keeps it. */
  readonly linkName: Uint8Array;
  /** Permission and mode bits. */
  readonly mode: TarInteger;
  /** Owner, 0 to 2^32 - 1. */
  readonly uid: number;
  /** Group, 0 to 2^32 - 1. */
  readonly gid: number;
  readonly userName: Uint8Array;
  readonly groupName: Uint8Array;
  /** RFC 3339 in UTC with trimmed nanoseconds, as Go prints it; empty where the year is outside 0 to 9999. */
  readonly modTime: string;
  readonly devMajor: TarInteger;
  readonly devMinor: TarInteger;
  /** The entry's own PAX records, raw, sorted by the bytes of their keys (`xattrs` in ztoc.fbs, a name kept for compatibility). */
  readonly paxRecords: readonly PaxRecord[];
}

/** A PAX record as it stands in the archive: key and value, undecoded. */
export type PaxRecord = readonly [key: Uint8Array, value: Uint8Array];

/**
 * A zTOC: the table of contents of one layer, and what is needed to start decompressing in its middle
 * (ztoc.fbs, `Ztoc`). Made by `buildZtoc` or `decodeZtoc`.
 */
export interface Ztoc {
  /** Format version, `0.9`. */
  readonly version: string;
  /** Who made it. */
  readonly buildToolIdentifier: string;
  /** Size of the layer blob in bytes. */
  readonly compressedArchiveSize: number;
  /** Where the tar reader stopped in the uncompressed stream: past the two zero blocks, not the stream's end. */
  readonly uncompressedArchiveSize: number;
  /** The layer's entries in archive order. */
  readonly files: readonly FileEntry[];
  readonly compression: Compression;
  /** Number of spans less one; -1 for an empty uncompressed layer. */
  readonly maxSpanId: number;
  /** `sha256:<hex>` of each span's compressed bytes. */
  readonly spanDigests: readonly string[];
  /** The packed checkpoints, as they stand in the zTOC: see `gzip/checkpoints.ts` and `spans/list-spans.ts`. */
  readonly checkpoints: Uint8Array;
}
