import { OciError } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';

/** What Node's TLS says of a certificate that is not trusted, or of a peer that speaks no TLS. */
const TLS_CODE =
  /^(?:CERT_|DEPTH_ZERO_|ERR_SSL_|ERR_TLS_CERT_|INVALID_CA$|INVALID_PURPOSE$|SELF_SIGNED_|UNABLE_TO_(?:GET|VERIFY)_|EPROTO$|HOSTNAME_MISMATCH$)/;

/**
 * What went wrong on a connection, as the error of this package.
 *
 * @param request - The request that failed, as `describeRequest` names it.
 */
export function toConnectionError(error: unknown, request: string): Error {
  if (error instanceof RegistryError || error instanceof OciError) return error;
  const code = errorCode(error);
  const [kind, problem] = classify(code, error);
  // A parse error of Node's holds the bytes that it could not parse, and with them whatever was in the answer.
  const cause = code.startsWith('HPE_') ? {} : { cause: error };
  return new RegistryError(kind, `${request}: ${problem}`, { ...cause, request });
}

/** The `code` of an error of Node's, or of the first of several; empty where there is none. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? errorCode(error.errors[0]) : '';
}

function classify(code: string, error: unknown): [RegistryErrorCode, string] {
  if (TLS_CODE.test(code)) {
    const remedy = 'name its certificate authority, or ask for plain http if it speaks no TLS';
    return ['TLS_FAILED', `no trusted TLS connection (${code}): ${remedy}`];
  }
  if (code === 'HPE_HEADER_OVERFLOW') return ['LIMIT_EXCEEDED', 'the headers of the answer are too long'];
  if (code.startsWith('HPE_')) return ['RESPONSE_INVALID', `the answer is not HTTP (${code})`];
  if (code === 'ENOTFOUND') return ['CONNECTION_FAILED', 'the host is not known: check its name'];
  const reason = code || (error instanceof Error ? error.message : String(error));
  return ['CONNECTION_FAILED', `the connection failed (${reason})`];
}
