import { PrintableError } from '@soci/oci';

/** Error codes of this package. They are part of the `--json` output. */
export type CliErrorCode =
  | 'ADDRESS_UNAVAILABLE'
  | 'COST_EXCEEDED'
  | 'DELETION_FAILED'
  | 'DESTINATION_INVALID'
  | 'ENTRY_NOT_A_FILE'
  | 'ENTRY_NOT_FOUND'
  | 'EVIDENCE_MISMATCH'
  | 'FILE_UNWRITABLE'
  | 'IMAGE_ARCHIVED'
  | 'INTERRUPTED'
  | 'LIMIT_EXCEEDED'
  | 'NOTHING_PREDICTED'
  | 'NOTHING_RECORDED'
  | 'NO_REPOSITORY'
  | 'NOT_INDEXED'
  | 'OUTPUT_FAILED'
  | 'PROFILE_NOT_FOUND'
  | 'RESTORE_INCOMPLETE'
  | 'SOURCE_INVALID'
  | 'SOURCE_MOVED'
  | 'TAG_TAKEN'
  | 'TRANSPORT_UNSUPPORTED'
  | 'USAGE_INVALID'
  | 'VERIFY_FAILED';

/** A change of the command line that is a part of a remedy. */
export interface OperandReplacement {
  /** The operand to replace. */
  readonly operand: string;
  /** Which operand to replace if several are equal. */
  readonly at: 'first' | 'last';
  /** The new operand. */
  readonly by: string;
  /** Text after the command line. @default none */
  readonly next?: string;
}

/** Optional properties of a {@link CliError}. */
export interface CliErrorOptions {
  /** What the user can do: a sentence. @default no advice */
  readonly remedy?: string | undefined;
  /** How to run the command again. The command line is added to {@link CliErrorOptions.remedy}. @default not at all */
  readonly replacement?: OperandReplacement | undefined;
  /** Byte offset of the fault in the file of the message. @default unknown */
  readonly offset?: number | undefined;
  /** The original error. @default none */
  readonly cause?: unknown;
}

/** The error class of this package. Branch on {@link CliError.code}, not on the message. */
export class CliError extends PrintableError {
  override readonly name = 'CliError';
  /** A {@link CliErrorCode}, or the code of the original error. */
  readonly code: string;
  readonly remedy: string | undefined;
  readonly replacement: CliErrorOptions['replacement'];
  readonly offset: number | undefined;

  constructor(code: CliErrorCode | (string & {}), message: string, options: CliErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.remedy = options.remedy;
    this.replacement = options.replacement;
    this.offset = options.offset;
  }
}

/** Returns an error for an invalid command line. The program exits with 2. */
export function usageError(message: string, remedy?: string): CliError {
  return new CliError('USAGE_INVALID', message, { remedy });
}
