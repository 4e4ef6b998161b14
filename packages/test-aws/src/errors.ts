/**
 * Code of an error in a call from a test. Clients get errors over HTTP instead.
 *
 * - `FUNCTION_EXISTS`, `FUNCTION_UNKNOWN`: the name of the function already exists, or does not exist.
 * - `OPTION_INVALID`: an option is invalid.
 * - `PATTERN_TOO_LONG`: the event pattern exceeds the maximum length.
 * - `PATTERN_UNSUPPORTED`: the event pattern is invalid or uses an unsupported feature.
 * - `PAYLOAD_INVALID`, `PAYLOAD_TOO_LARGE`: Lambda would reject the payload.
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

/** Error of `@soci/test-aws`. Check {@link TestAwsError.code}, not the message. */
export class TestAwsError extends Error {
  override readonly name = 'TestAwsError';
  /** Machine-readable code. */
  readonly code: TestAwsErrorCode;

  constructor(code: TestAwsErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}
