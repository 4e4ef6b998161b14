import { OciError } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';

/** Codes of Node.js errors for an untrusted certificate or a peer that does not speak TLS. */
const TLS_CODE =
  /^(?:CERT_|DEPTH_ZERO_|ERR_SSL_|ERR_TLS_CERT_|INVALID_CA$|INVALID_PURPOSE$|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_|EPROTO$|HOSTNAME_MISMATCH$)/;

/** What to do about a failed connection. */
export const CONNECTION_REMEDY = 'check the host, the port, the network and the proxy settings';

/**
 * Converts an error of a connection to a {@link RegistryError}.
 *
 * @param request - The failed request, as formatted by `describeRequest`.
 */
export function toConnectionError(error: unknown, request: string): Error {
  if (error instanceof RegistryError || error instanceof OciError) return error;
  const code = errorCode(error);
  const [kind, problem] = classify(code, error);
  // A parse error contains the bytes that could not be parsed, which may be secret.
  const cause = code.startsWith('HPE_') ? {} : { cause: error };
  return new RegistryError(kind, `${request}: ${problem}`, { ...cause, request });
}

/** Returns the `code` of a Node.js error, or of the first error of an `AggregateError`; empty if it has none. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? errorCode(error.errors[0]) : '';
}

function classify(code: string, error: unknown): [RegistryErrorCode, string] {
  // OpenSSL names the alerts of TLS 1.3 and earlier; some servers send a general failure.
  if (/ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE)/.test(code)) {
    const remedy = 'the server may require a client certificate (options cert and key), or reject the given one';
    return ['TLS_FAILED', `the TLS handshake failed (${code}): ${remedy}`];
  }
  if (TLS_CODE.test(code)) {
    const remedy = 'add its certificate authority to the trusted ones, or use plain HTTP if the server has no TLS';
    return ['TLS_FAILED', `the TLS handshake failed (${code}): ${remedy}`];
  }
  if (code === 'HPE_HEADER_OVERFLOW') return ['LIMIT_EXCEEDED', 'the response headers are too large'];
  if (code.startsWith('HPE_')) return ['RESPONSE_INVALID', `the response is not valid HTTP (${code})`];
  if (code === 'ENOTFOUND')
    return ['CONNECTION_FAILED', 'the host name was not found: check its spelling and the DNS settings'];
  const reason = code || (error instanceof Error ? error.message : String(error));
  return ['CONNECTION_FAILED', `the connection failed (${reason}): ${CONNECTION_REMEDY}`];
}
