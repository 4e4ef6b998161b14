/**
 * Bounds on what a hostile layer may cost. Each raises `LIMIT_EXCEEDED` before anything is buffered.
 * Defaults are far above what real images hold.
 */
export interface ZtocLimits {
  /** Uncompressed bytes of one layer. @default {@link DEFAULT_MAX_UNCOMPRESSED_SIZE} */
  readonly maxUncompressedSize?: number;
  /** Tar entries of one layer. @default {@link DEFAULT_MAX_ENTRIES} */
  readonly maxEntries?: number;
  /**
   * Bytes that names, links and PAX records of one layer may take together; each PAX record counts 200 bytes besides its
   * own, which is what keeping it costs.
   * @default {@link DEFAULT_MAX_METADATA_SIZE}
   */
  readonly maxMetadataSize?: number;
  /** Checkpoints (and so spans) of one layer; each takes 32 KiB. @default {@link DEFAULT_MAX_SPANS} */
  readonly maxSpans?: number;
  /**
   * Checkpoints of one layer that may stand before its first byte of output, as empty blocks and members make them.
   * @default {@link DEFAULT_MAX_EMPTY_SPANS}
   */
  readonly maxEmptySpans?: number;
}

/**
 * 128 GiB: more than twice the largest layer that registries take (ECR: 52,000 MiB compressed), and a few minutes' work
 * that a bomb of a hundred megabytes could ask for.
 */
export const DEFAULT_MAX_UNCOMPRESSED_SIZE = 2 ** 37;

/** Four million entries: each takes 300 to 800 bytes of memory until the zTOC is made, so 1 to 3 GB in all. */
export const DEFAULT_MAX_ENTRIES = 4_000_000;

/** 1 GiB of names and PAX records. */
export const DEFAULT_MAX_METADATA_SIZE = 2 ** 30;

/** 32,768 checkpoints: 1 GiB of windows, 128 GiB of data at the default span size. */
export const DEFAULT_MAX_SPANS = 32_768;

/**
 * 1,024 checkpoints before any output, 32 MiB of windows. Compressors make one or two; five bytes of a hostile layer make
 * one more.
 */
export const DEFAULT_MAX_EMPTY_SPANS = 1024;
