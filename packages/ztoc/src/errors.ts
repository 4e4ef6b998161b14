/**
 * What went wrong, for a caller to branch on. The message of a {@link ZtocError} says what, where and what to do.
 *
 * - `GZIP_*`: the layer's gzip framing or deflate data. `TAR_*`: the archive inside it.
 * - `ZTOC_INVALID`: a zTOC that is malformed or contradicts itself. `SPAN_DIGEST_MISMATCH`: bytes of the layer that
 *   are not those the zTOC was made from.
 * - `LIMIT_EXCEEDED`: the input exceeds one of the limits in `ZtocLimits` or `OpenZtocOptions`.
 *
 * An aborted call throws the `reason` of its signal, which is not a {@link ZtocError}.
 */
export type ZtocErrorCode =
  | 'COMPRESSION_UNKNOWN'
  | 'ENTRY_NOT_FOUND'
  | 'ENTRY_NOT_A_FILE'
  | 'GZIP_CHECKSUM_MISMATCH'
  | 'GZIP_DATA_INVALID'
  | 'GZIP_HEADER_INVALID'
  | 'GZIP_TRUNCATED'
  | 'LIMIT_EXCEEDED'
  | 'OPTION_INVALID'
  | 'SOURCE_READ_FAILED'
  | 'SPAN_DIGEST_MISMATCH'
  | 'TAR_ENTRY_UNSUPPORTED'
  | 'TAR_INVALID'
  | 'TAR_TRUNCATED'
  | 'ZTOC_INVALID';

/** Where and why: what a {@link ZtocError} carries beside its code and message. */
export interface ZtocErrorOptions {
  /** The error underneath, if any. */
  readonly cause?: unknown;
  /** Byte offset of the fault: in the compressed layer for `GZIP_*`, in the tar stream for `TAR_*`, in the zTOC for `ZTOC_INVALID`. */
  readonly offset?: number;
}

/** The one error class of `@soci/ztoc`. Branch on {@link ZtocError.code}, never on the message. */
export class ZtocError extends Error {
  override readonly name = 'ZtocError';
  /** What went wrong. */
  readonly code: ZtocErrorCode;
  /** Byte offset of the fault, where one is known; see {@link ZtocErrorOptions.offset} for what it counts. */
  readonly offset: number | undefined;

  constructor(code: ZtocErrorCode, message: string, options: ZtocErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.offset = options.offset;
  }
}
