/** What went wrong, for a caller to branch on. The message of an {@link OciError} says what, where and what to do. */
export type OciErrorCode =
  | 'ARCHIVE_INVALID'
  | 'DIGEST_INVALID'
  | 'DIGEST_MISMATCH'
  | 'LAYOUT_INVALID'
  | 'LIMIT_EXCEEDED'
  | 'MANIFEST_INVALID'
  | 'NOT_FOUND'
  | 'PATH_ESCAPES'
  | 'RANGE_INVALID'
  | 'REFERENCE_INVALID'
  | 'SIZE_MISMATCH'
  | 'WRITE_FAILED';

/** The one error class of `@soci/oci`. Branch on {@link OciError.code}, never on the message. */
export class OciError extends Error {
  override readonly name = 'OciError';
  /** What went wrong. */
  readonly code: OciErrorCode;

  constructor(code: OciErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}
