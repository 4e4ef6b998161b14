import { OciError } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '../errors.ts';

/** What Node's TLS says of a certificate that is not trusted, or of a peer that speaks no TLS. */
const TLS_CODES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'EPROTO',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

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
  if (TLS_CODES.has(code) || code.startsWith('ERR_SSL_')) {
    return [
      'TLS_FAILED',
      `no trusted TLS connection (${code}): name its certificate authority, or ask for plain http if it speaks no TLS`,
    ];
  }
  if (code === 'HPE_HEADER_OVERFLOW') return ['LIMIT_EXCEEDED', 'the headers of the answer are too long'];
  if (code.startsWith('HPE_')) return ['RESPONSE_INVALID', `the answer is not HTTP (${code})`];
  if (code === 'ENOTFOUND') return ['CONNECTION_FAILED', 'the host is not known: check its name'];
  return ['CONNECTION_FAILED', `the connection failed (${code || describe(error)})`];
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
