/** What went wrong, for a caller to branch on; these codes are part of the `--json` output. */
export type CliErrorCode =
  | 'DESTINATION_INVALID'
  | 'ENTRY_NOT_A_FILE'
  | 'ENTRY_NOT_FOUND'
  | 'FILE_UNWRITABLE'
  | 'INTERRUPTED'
  | 'NOT_INDEXED'
  | 'SOURCE_INVALID'
  | 'SOURCE_MOVED'
  | 'TAG_TAKEN'
  | 'TRANSPORT_UNSUPPORTED'
  | 'USAGE_INVALID'
  | 'VERIFY_FAILED';

/** What a {@link CliError} carries beside its code and message. */
export interface CliErrorOptions {
  /** What the person at the keyboard can do about it; a sentence. @default nothing said */
  readonly remedy?: string | undefined;
  /** Byte offset of the fault in the file that the message names. @default not known */
  readonly offset?: number | undefined;
  /** The error underneath. @default none */
  readonly cause?: unknown;
}

/** The one error class of `@soci/cli`. Branch on {@link CliError.code}, never on the message. */
export class CliError extends Error {
  override readonly name = 'CliError';
  /** What went wrong: a {@link CliErrorCode}, or the code of the error underneath where that says more. */
  readonly code: string;
  readonly remedy: string | undefined;
  readonly offset: number | undefined;

  constructor(code: CliErrorCode | (string & {}), message: string, options: CliErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.remedy = options.remedy;
    this.offset = options.offset;
  }
}

/** A command line that cannot be understood: the program ends with exit code 2. */
export function usageError(message: string, remedy?: string): CliError {
  return new CliError('USAGE_INVALID', message, { remedy });
}
