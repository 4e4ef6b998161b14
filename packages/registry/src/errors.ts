import { PrintableError } from '@soci/oci';

/**
 * Reason of a {@link RegistryError}. Missing content, and content that does not match its descriptor, is reported as an
 * `OciError`, as by every store of `@soci/oci`.
 *
 * - `ACCESS_DENIED`: the registry denies access (403).
 * - `AUTHENTICATION_FAILED`: the registry rejects the credentials, or requires credentials and none were found (401).
 * - `CLOSED`: the registry was closed with {@link Registry.close}.
 * - `CONNECTION_FAILED`: connecting failed, or the connection broke, on every attempt.
 * - `CONTENDED`: concurrent writers kept overwriting the list of referrers.
 * - `CREDENTIALS_INVALID`: a credentials file cannot be read, or the credentials in it are invalid.
 * - `LIMIT_EXCEEDED`: a limit was exceeded, such as the number of headers, pages, redirects or bytes.
 * - `MANIFEST_REFUSED`: the registry rejects a manifest.
 * - `OPTION_INVALID`: an option is invalid.
 * - `RATE_LIMITED`: too many requests (429), on every attempt.
 * - `REDIRECT_REFUSED`: the registry redirects to a URL that must not be followed.
 * - `RESPONSE_INVALID`: the response violates the protocol, such as HTML, an invalid digest or a missing `Location`.
 * - `SDK_UNAVAILABLE`: the AWS SDK cannot be loaded, for example because a bundle lacks it. Only from `@soci/ecr`.
 * - `SERVER_FAILED`: the registry failed (5xx), on every attempt.
 * - `STALLED`: no data was sent or received within the stall timeout, on every attempt.
 * - `TAG_IMMUTABLE`: the tag exists, refers to another manifest and cannot be moved.
 * - `TLS_FAILED`: the certificate of the registry is not trusted, the server does not speak TLS, or it requires a client
 *   certificate.
 * - `UNSUPPORTED`: the registry does not support the operation (405, or error code `UNSUPPORTED`).
 * - `UPLOAD_REFUSED`: the registry rejects a blob.
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
  | 'SDK_UNAVAILABLE'
  | 'SERVER_FAILED'
  | 'STALLED'
  | 'TAG_IMMUTABLE'
  | 'TLS_FAILED'
  | 'UNSUPPORTED'
  | 'UPLOAD_REFUSED';

/** An error from the body of an error response. @see OCI distribution-spec v1.1, "Error Codes" */
export interface RegistryRefusal {
  /** Error code, such as `MANIFEST_BLOB_UNKNOWN`. */
  readonly code: string;
  /** Message of the registry, truncated to 500 characters. */
  readonly message: string;
}

/** Details of a {@link RegistryError}. */
export interface RegistryErrorOptions {
  /** The underlying error, if any. */
  readonly cause?: unknown;
  /** The failed request, such as `GET https://host/v2/app/manifests/latest`, without query and credentials. */
  readonly request?: string | undefined;
  /** HTTP status of the response, if any. */
  readonly status?: number | undefined;
  /** Host of the registry that rejected the credentials, if it is known. */
  readonly host?: string | undefined;
  /** Errors that the registry reported. @default [] */
  readonly refusals?: readonly RegistryRefusal[];
}

/**
 * Error thrown by `@soci/registry` and `@soci/ecr`. Branch on {@link RegistryError.code}, not on the message, which
 * says what failed and what to do.
 */
export class RegistryError extends PrintableError {
  override readonly name = 'RegistryError';
  /** The reason. */
  readonly code: RegistryErrorCode;
  /** The failed request, without query and credentials. */
  readonly request: string | undefined;
  /** HTTP status of the response, if any. */
  readonly status: number | undefined;
  /** Host of the registry. Only with `AUTHENTICATION_FAILED`, if the registry rejected the credentials or has none. */
  readonly host: string | undefined;
  /** Errors that the registry reported, in its order. */
  readonly refusals: readonly RegistryRefusal[];

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.request = options.request;
    this.status = options.status;
    this.host = options.host;
    this.refusals = options.refusals ?? [];
  }
}

/** Returns a copy of `error` with another message. */
export function withMessage(error: RegistryError, message: string, host = error.host): RegistryError {
  const { code, cause, request, status, refusals } = error;
  return new RegistryError(code, message, { ...(cause !== undefined && { cause }), request, status, host, refusals });
}
