/** What went wrong, for a caller to branch on. The message of an {@link OciError} says what, where and what to do. */
export type OciErrorCode =
  /** A tar archive that cannot be read as an OCI layout. */
  | 'ARCHIVE_INVALID'
  /** Text that is no digest of an algorithm understood here. */
  | 'DIGEST_INVALID'
  /** Content whose bytes have another digest than its descriptor says. */
  | 'DIGEST_MISMATCH'
  /** A folder that is no OCI image layout, or a damaged one. */
  | 'LAYOUT_INVALID'
  /** More bytes, entries or levels than a limit allows. */
  | 'LIMIT_EXCEEDED'
  /** A manifest, image index or image configuration that breaks its specification. */
  | 'MANIFEST_INVALID'
  /** Content or a name that the store does not hold. */
  | 'NOT_FOUND'
  /** An option of the caller's that is out of its range. */
  | 'OPTION_INVALID'
  /** A path in a layout that leads out of it, or that is a symbolic link. */
  | 'PATH_ESCAPES'
  /** Text that is no platform. */
  | 'PLATFORM_INVALID'
  /** A range that is not whole numbers, or reaches past the end. */
  | 'RANGE_INVALID'
  /** A file that is there but cannot be read. */
  | 'READ_FAILED'
  /** Text that is no image reference or tag. */
  | 'REFERENCE_INVALID'
  /** Content that is longer or shorter than its descriptor says. */
  | 'SIZE_MISMATCH'
  /** Output that could not be written. */
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

/** Whether `error` is one of the operating system's, with one of these codes, such as `ENOENT`. */
export function hasSystemCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}

/** A value of the input as an error message may show it. */
export function showValue(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  if (value === undefined) return 'nothing';
  return typeof value === 'string' && value.length > 80
    ? `${JSON.stringify(value.slice(0, 80))}...`
    : JSON.stringify(value);
}
