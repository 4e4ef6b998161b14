import { quoteText } from './escape-text.ts';
import { PrintableError } from './printable-error.ts';

/** Error codes of {@link OciError}, for callers to branch on. The message describes the failure and a remedy. */
export type OciErrorCode =
  /** A tar archive that does not contain a valid OCI layout. */
  | 'ARCHIVE_INVALID'
  /** Text that is not a digest with a supported algorithm. */
  | 'DIGEST_INVALID'
  /** Content whose digest differs from its descriptor. */
  | 'DIGEST_MISMATCH'
  /** A folder that is not a valid OCI image layout. */
  | 'LAYOUT_INVALID'
  /** More bytes, entries or levels than a limit allows. */
  | 'LIMIT_EXCEEDED'
  /** A manifest, image index or image configuration that violates its specification. */
  | 'MANIFEST_INVALID'
  /** Content or a reference that does not exist in the store. */
  | 'NOT_FOUND'
  /** An option that is out of range. */
  | 'OPTION_INVALID'
  /** A path in a layout that is a symbolic link or leads through one. */
  | 'PATH_ESCAPES'
  /** Text that is not a platform. */
  | 'PLATFORM_INVALID'
  /** A range that is not whole numbers, or exceeds the content. */
  | 'RANGE_INVALID'
  /** A file that exists but cannot be read. */
  | 'READ_FAILED'
  /** Text that is not an image reference or tag. */
  | 'REFERENCE_INVALID'
  /** Content whose size differs from its descriptor. */
  | 'SIZE_MISMATCH'
  /** Output that cannot be written. */
  | 'WRITE_FAILED';

/** Error class of `@soci/oci`. Branch on {@link OciError.code}, not on the message. */
export class OciError extends PrintableError {
  override readonly name = 'OciError';
  /** Error code. */
  readonly code: OciErrorCode;

  constructor(code: OciErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** Reports whether `error` is a system error with one of these codes, such as `ENOENT`. */
export function hasSystemCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(error.code as string);
}

/** Returns the message of a caught value, for the end of an error message. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Formats an untrusted value for an error message. */
export function showValue(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? quoteText(value) : String(value);
}
