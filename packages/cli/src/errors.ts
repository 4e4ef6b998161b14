/** What went wrong, for a caller to branch on; these codes are part of the `--json` output. */
export type CliErrorCode =
  | 'DESTINATION_INVALID'
  | 'FILE_UNREADABLE'
  | 'FILE_UNWRITABLE'
  | 'IMAGE_NOT_INDEXED'
  | 'INTERRUPTED'
  | 'SOURCE_INVALID'
  | 'TRANSPORT_UNSUPPORTED'
  | 'USAGE_INVALID'
  | 'VERIFY_FAILED';

/** The one error class of `@soci/cli`. Branch on {@link CliError.code}, never on the message. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** What went wrong. */
  readonly code: CliErrorCode;
  /** What the person at the keyboard can do about it; a sentence. */
  readonly remedy: string | undefined;

  constructor(
    code: CliErrorCode,
    message: string,
    options: { readonly remedy?: string; readonly cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** A command line that cannot be understood: the program ends with exit code 2. */
export function usageError(message: string, remedy?: string): CliError {
  return new CliError('USAGE_INVALID', message, remedy === undefined ? {} : { remedy });
}
