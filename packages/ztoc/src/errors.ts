import { escapeText } from './escape-text.ts';

/**
 * Error codes of {@link ZtocError}, for callers to branch on. The message describes the failure and a remedy.
 *
 * - `GZIP_*`: invalid gzip framing or deflate data of the layer. `TAR_*`: an invalid archive inside it.
 * - `ZTOC_INVALID`: a zTOC that is malformed or inconsistent. `SPAN_DIGEST_MISMATCH`: the layer is not the one from which
 *   the zTOC was built.
 * - `LIMIT_EXCEEDED`: the input exceeds a limit of `ZtocLimits` or `OpenZtocOptions`.
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

/** Additional data of a {@link ZtocError}. */
export interface ZtocErrorOptions {
  /** Underlying error, if any. */
  readonly cause?: unknown;
  /**
   * Byte offset of the fault: in the compressed layer for `GZIP_*`, in the tar stream for `TAR_*`, in the zTOC for
   * `ZTOC_INVALID`.
   */
  readonly offset?: number;
}

/** Error class of `@soci/ztoc`. Branch on {@link ZtocError.code}, not on the message. */
export class ZtocError extends Error {
  override readonly name = 'ZtocError';
  /** Error code. */
  readonly code: ZtocErrorCode;
  /** Byte offset of the fault, if known; see {@link ZtocErrorOptions.offset} for its meaning. */
  readonly offset: number | undefined;

  constructor(code: ZtocErrorCode, message: string, options: ZtocErrorOptions = {}) {
    super(escapeText(message), 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.offset = options.offset;
  }
}
