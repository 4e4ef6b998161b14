/**
 * What went wrong in a call of the test's own, for it to branch on. What a client does wrong it is told by HTTP.
 *
 * - `FUNCTION_EXISTS`, `FUNCTION_UNKNOWN`: a name that is taken, or that no function has.
 * - `OPTION_INVALID`: an option that makes no sense, or that the service would refuse.
 * - `PATTERN_TOO_LONG`: an event pattern of more characters than a rule takes.
 * - `PATTERN_UNSUPPORTED`: an event pattern with something that is not known here, or that is none.
 * - `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE`: what Lambda would not take as the payload of an invocation.
 * - `STOPPED`: the service was stopped.
 */
export type TestAwsErrorCode =
  | 'FUNCTION_EXISTS'
  | 'FUNCTION_UNKNOWN'
  | 'OPTION_INVALID'
  | 'PATTERN_TOO_LONG'
  | 'PATTERN_UNSUPPORTED'
  | 'PAYLOAD_INVALID'
  | 'PAYLOAD_TOO_LARGE'
  | 'STOPPED';

/** The one error class of `@soci/test-aws`. Branch on {@link TestAwsError.code}, never on the message. */
export class TestAwsError extends Error {
  override readonly name = 'TestAwsError';
  /** What went wrong. */
  readonly code: TestAwsErrorCode;

  constructor(code: TestAwsErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}
