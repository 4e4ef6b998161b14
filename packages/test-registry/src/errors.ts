/**
 * Reason of a {@link TestRegistryError}. Errors of clients are reported in HTTP responses instead.
 *
 * - `CONTENT_INVALID`: content is invalid, such as a corrupt layout or a wrong digest.
 * - `NOT_FOUND`: content or a reference does not exist.
 * - `OPTION_INVALID`: an option or a fault rule is invalid.
 */
export type TestRegistryErrorCode = 'CONTENT_INVALID' | 'NOT_FOUND' | 'OPTION_INVALID';

/** Error thrown by `@soci/test-registry`. Branch on {@link TestRegistryError.code}, not on the message. */
export class TestRegistryError extends Error {
  override readonly name = 'TestRegistryError';
  /** The reason. */
  readonly code: TestRegistryErrorCode;

  constructor(code: TestRegistryErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}
