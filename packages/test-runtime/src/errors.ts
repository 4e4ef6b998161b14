/**
 * Reason of a {@link TestRuntimeError}.
 *
 * - `PROGRAM_FAILED`: a program failed. The message contains the end of its output.
 * - `TIMEOUT`: a program did not answer or end in time.
 * - `CLEAN_UP_FAILED`: a process, a mount or a folder is left.
 */
export type TestRuntimeErrorCode = 'PROGRAM_FAILED' | 'TIMEOUT' | 'CLEAN_UP_FAILED';

/** Error thrown by `@soci/test-runtime`. Branch on {@link TestRuntimeError.code}, not on the message. */
export class TestRuntimeError extends Error {
  override readonly name = 'TestRuntimeError';
  /** The reason. */
  readonly code: TestRuntimeErrorCode;

  constructor(code: TestRuntimeErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}
