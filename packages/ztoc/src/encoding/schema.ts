/**
 * The tables of ztoc.fbs (ztoc/fbs/ztoc.fbs of the reference, same names and order) with the slot of each field, which
 * is its position in the schema. `encode-ztoc.ts` writes by slot, `decode-ztoc.ts` reads by slot.
 */

/** `table Xattr`: a PAX record. */
export const XATTR = { key: 0, value: 1 } as const;

/** `table FileMetadata`: one tar entry. */
export const FILE_METADATA = {
  name: 0,
  type: 1,
  uncompressedOffset: 2,
  uncompressedSize: 3,
  linkname: 4,
  mode: 5,
  uid: 6,
  gid: 7,
  uname: 8,
  gname: 9,
  modTime: 10,
  devmajor: 11,
  devminor: 12,
  xattrs: 13,
} as const;

/** `table CompressionInfo`: the spans and their checkpoints. */
export const COMPRESSION_INFO = { compressionAlgorithm: 0, maxSpanId: 1, spanDigests: 2, checkpoints: 3 } as const;

/** `table TOC`: the files. */
export const TOC = { metadata: 0 } as const;

/** `table Ztoc`: the root. */
export const ZTOC = {
  version: 0,
  buildToolIdentifier: 1,
  compressedArchiveSize: 2,
  uncompressedArchiveSize: 3,
  toc: 4,
  compressionInfo: 5,
} as const;

/**
 * `enum CompressionAlgorithm : byte { Gzip = 1, Uncompressed }`. Gzip is the default of the field, so it is not
 * written.
 */
export const COMPRESSION_ALGORITHM = { gzip: 1, uncompressed: 2 } as const;

/** Number of fields of each table, which the writer needs before it starts one. */
export const FIELD_COUNT = { xattr: 2, fileMetadata: 14, compressionInfo: 4, toc: 1, ztoc: 6 } as const;
