/**
 * What went wrong in a call of the test's own, for it to branch on. What a client does wrong it is told by HTTP.
 *
 * - `CONTENT_INVALID`: content that cannot be taken in: a layout that is damaged, a digest that is none.
 * - `NOT_FOUND`: content or a name that the registry does not hold.
 * - `OPTION_INVALID`: an option or a fault rule that makes no sense.
 */
export type TestRegistryErrorCode = 'CONTENT_INVALID' | 'NOT_FOUND' | 'OPTION_INVALID';

/** The one error class of `@soci/test-registry`. Branch on {@link TestRegistryError.code}, never on the message. */
export class TestRegistryError extends Error {
  override readonly name = 'TestRegistryError';
  /** What went wrong. */
  readonly code: TestRegistryErrorCode;

  constructor(code: TestRegistryErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
  }
}
