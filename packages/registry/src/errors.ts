/**
 * What went wrong, for a caller to branch on. The message of a {@link RegistryError} says what, where and what to do.
 * Content that is not there, or is not what its descriptor says, is an `OciError`, as every store throws it.
 *
 * - `ACCESS_DENIED`: the registry knows who asks, and refuses (403), or hides the repository from them.
 * - `AUTHENTICATION_FAILED`: the registry does not take the credentials (401), or none are to be had and it wants some.
 * - `CLOSED`: the registry was closed by its user, with requests under way or still to come.
 * - `CONNECTION_FAILED`: no connection, or one that broke, after the retries.
 * - `CONTENDED`: other writers kept replacing what was written.
 * - `CREDENTIALS_INVALID`: a configuration of credentials that cannot be read, or a helper that failed.
 * - `LIMIT_EXCEEDED`: one of the named limits was passed: headers, pages, redirects, bytes.
 * - `MANIFEST_REFUSED`: the registry does not take a manifest.
 * - `OPTION_INVALID`: an option of the caller's is out of its range.
 * - `RATE_LIMITED`: too many requests (429), after the retries.
 * - `REDIRECT_REFUSED`: the registry leads where no client should follow.
 * - `RESPONSE_INVALID`: an answer that no registry gives: HTML, a digest that is none, a Location that is missing.
 * - `SERVER_FAILED`: the registry failed (5xx), after the retries.
 * - `STALLED`: no byte came or went for too long, after the retries.
 * - `TAG_IMMUTABLE`: the tag is there, names something else, and may not be moved.
 * - `TLS_FAILED`: the registry's certificate is not trusted, or it speaks no TLS.
 * - `UNSUPPORTED`: the registry does not do what was asked (405, or `UNSUPPORTED`).
 * - `UPLOAD_REFUSED`: the registry does not take a blob.
 */
export type RegistryErrorCode =
  | 'ACCESS_DENIED'
  | 'AUTHENTICATION_FAILED'
  | 'CLOSED'
  | 'CONNECTION_FAILED'
  | 'CONTENDED'
  | 'CREDENTIALS_INVALID'
  | 'LIMIT_EXCEEDED'
  | 'MANIFEST_REFUSED'
  | 'OPTION_INVALID'
  | 'RATE_LIMITED'
  | 'REDIRECT_REFUSED'
  | 'RESPONSE_INVALID'
  | 'SERVER_FAILED'
  | 'STALLED'
  | 'TAG_IMMUTABLE'
  | 'TLS_FAILED'
  | 'UNSUPPORTED'
  | 'UPLOAD_REFUSED';

/** What a registry says of a refusal. @see OCI distribution-spec v1.1, "Error Codes" */
export interface RegistryRefusal {
  /** Such as `MANIFEST_BLOB_UNKNOWN`. */
  readonly code: string;
  /** The registry's words, cut where they are long. */
  readonly message: string;
}

/** What a {@link RegistryError} carries beside its code and message. */
export interface RegistryErrorOptions {
  /** The error underneath, if any. */
  readonly cause?: unknown;
  /** The request that failed, such as `GET https://host/v2/app/manifests/latest`: without query and credentials. */
  readonly request?: string | undefined;
  /** HTTP status of the answer, if there was one. */
  readonly status?: number | undefined;
  /** What the registry said. @default [] */
  readonly refusals?: readonly RegistryRefusal[];
}

/** The one error class of `@soci/registry`, and of `@soci/ecr`. Branch on {@link RegistryError.code}, never on the message. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  /** What went wrong. */
  readonly code: RegistryErrorCode;
  /** The request that failed, without query and credentials. */
  readonly request: string | undefined;
  /** HTTP status of the answer, if there was one. */
  readonly status: number | undefined;
  /** What the registry said, in its order. */
  readonly refusals: readonly RegistryRefusal[];

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.request = options.request;
    this.status = options.status;
    this.refusals = options.refusals ?? [];
  }
}

/** The same error with another message. */
export function reworded(error: RegistryError, message: string): RegistryError {
  const { code, cause, request, status, refusals } = error;
  return new RegistryError(code, message, { ...(cause !== undefined && { cause }), request, status, refusals });
}
