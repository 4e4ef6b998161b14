import type { TokenBook } from '../auth/token-book.ts';
import type { Registry } from '../registry/registry.ts';

/** What the calls of ECR's own API work on: the same store as the OCI API. */
export interface AwsRegistry {
  readonly registry: Registry;
  readonly tokens: TokenBook<true>;
  /** Where the OCI API is, such as `http://127.0.0.1:40123`. */
  readonly proxyEndpoint: string;
  /** The address of a blob at the storage. */
  readonly signUrl: (digest: string) => string;
}

/** Ends a call with an exception of the API. */
export class AwsFailure extends Error {
  override readonly name = 'AwsFailure';
  /** Such as `RepositoryNotFoundException`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
