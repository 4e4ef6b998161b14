import { escapeText, PrintableError } from '@soci/oci';

/** Machine-readable code of a {@link FunctionError}. */
export type FunctionErrorCode =
  /** Environment variables or resource properties are missing or invalid. */
  | 'ENVIRONMENT_INVALID'
  /** The generator could not be invoked. */
  | 'INVOCATION_FAILED'
  /** The event could not be sent to the queue. */
  | 'SEND_FAILED'
  /** A batch of the queue has several messages. */
  | 'BATCH_SIZE_INVALID'
  /** The invocation is about to time out. */
  | 'DEADLINE_NEAR'
  /** The image to index during deployment does not exist. */
  | 'IMAGE_MISSING'
  /** The image of a deployment cannot be indexed. */
  | 'NO_INDEX'
  /** The role of the function lacks a permission. */
  | 'ACCESS_DENIED'
  /** Amazon ECR did not delete an index. */
  | 'DELETION_REFUSED'
  /** The input of a state machine's execution is invalid. */
  | 'INPUT_INVALID'
  /** Another run of the state machine is active. */
  | 'RUN_ACTIVE'
  /** The settings of a state machine and of its generator differ. */
  | 'SETTINGS_DIFFER'
  /** A run would index more images than is allowed without confirmation. */
  | 'CONFIRMATION_MISSING'
  /** Temporary error: a retry with the same event may succeed. */
  | 'TRY_AGAIN';

/** Error of `@soci/functions`. Check {@link FunctionError.code}, not the message. */
export class FunctionError extends PrintableError {
  /** Lambda reports it as the type of the error. State machines retry `FunctionError`, but not `EnvironmentInvalid`. */
  override readonly name: 'FunctionError' | 'EnvironmentInvalid';
  /** Machine-readable code. */
  readonly code: FunctionErrorCode;

  constructor(code: FunctionErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = code === 'ENVIRONMENT_INVALID' ? 'EnvironmentInvalid' : 'FunctionError';
    this.code = code;
  }
}

/** Returns the message of an error, or a thrown value as text, without unprintable characters. */
export function messageOf(error: unknown): string {
  return escapeText(error instanceof Error ? error.message : String(error));
}
