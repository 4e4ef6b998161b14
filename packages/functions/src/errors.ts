/** What went wrong, for a caller to branch on. The message of a {@link FunctionError} says what, where and what to do. */
export type FunctionErrorCode =
  /** Environment variables that are missing or cannot be used. */
  | 'ENVIRONMENT_INVALID'
  /** The generator could not be invoked. */
  | 'INVOCATION_FAILED'
  /** The time that Lambda gives an invocation is nearly over. */
  | 'DEADLINE_NEAR'
  /** An image that is to be indexed while a stack is deployed, and is not there. */
  | 'IMAGE_MISSING'
  /** An image that a stack says is indexed, and that gets no index. */
  | 'NO_INDEX'
  /** The role of the function may not do what it takes. */
  | 'ACCESS_DENIED'
  /** An index that Amazon ECR does not delete. */
  | 'DELETION_REFUSED'
  /** Something in passing: the same event may succeed when it comes again. */
  | 'TRY_AGAIN';

/** The one error class of `@soci/functions`. Branch on {@link FunctionError.code}, never on the message. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
  /** What went wrong. */
  readonly code: FunctionErrorCode;

  constructor(code: FunctionErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}

/** The message of an error, or the thrown value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
