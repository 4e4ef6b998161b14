import { OciError } from '@soci/oci';
import { RegistryError, type RegistryErrorCode, type RegistryRefusal } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import { type RequestSecrets, sanitizeText } from '../sanitize-text.ts';
import { describeRequest, type HttpMethod, type HttpResponse, readWhole } from '../transport/http-message.ts';
import { isRedirect } from './redirect.ts';

/** Maximum size of an error response that is read: 64 KiB. */
export const MAX_ERROR_SIZE = 2 ** 16;

/** Maximum number of errors kept from a response. */
const MAX_REFUSALS = 10;

/** Maximum lengths of the code and the message of an error, in characters. */
const MAX_CODE_LENGTH = 64;
const MAX_MESSAGE_LENGTH = 500;

const utf8 = new TextDecoder();

/** An error response with its body. */
export interface ErrorResponse extends Pick<HttpResponse, 'headers' | 'status' | 'url'> {
  readonly method: HttpMethod;
  /** The body; undefined if it could not be read. */
  readonly body: Uint8Array | undefined;
}

/** Options of {@link describeFailure}. */
export interface FailureContext {
  /** The `Authorization` of the request. It is removed from messages in case the server sends it back. */
  readonly authorization?: string | undefined;
  /** Host of the registry, if it rejected the credentials. */
  readonly host?: string | undefined;
  /** What the user can do, as a clause. */
  readonly remedy?: string | undefined;
}

/**
 * Converts an error response to an error that includes the messages of the registry.
 *
 * @see OCI distribution-spec v1.1, "Error Codes"
 */
export function describeFailure(
  response: ErrorResponse,
  { authorization, host, remedy }: FailureContext = {},
): RegistryError | OciError {
  const { method, url, status, body } = response;
  const request = describeRequest(method, url);
  const refusals = readRefusals(body, { authorization, url });
  const code = classify(response, refusals);
  const missing = code === 'NOT_FOUND' ? describeMissing(response, refusals) : '';
  const message = `${missing}${request} failed with status ${status}${describeErrors(response, refusals)}${remedy ? `: ${remedy}` : ''}`;
  if (code === 'NOT_FOUND' || code === 'RANGE_INVALID') return new OciError(code, message);
  return new RegistryError(code, message, { request, status, host, refusals });
}

/** Says what a registry does not have, as the start of a message. Empty for a request that is not about content. */
function describeMissing({ url }: ErrorResponse, refusals: readonly RegistryRefusal[]): string {
  const [, repository, kind, reference] =
    /^\/v2\/(.+)\/(manifests|blobs|referrers|tags)\/([^/]*)/.exec(url.pathname) ?? [];
  if (repository === undefined || reference === undefined) return '';
  const isRepositoryMissing = refusals.some(({ code }) => code === 'NAME_UNKNOWN');
  const isReference = kind !== 'tags' && reference !== '' && reference !== 'uploads';
  if (isRepositoryMissing || !isReference) return `${url.host} has no repository ${repository}: `;
  const name = kind === 'blobs' ? 'blob' : reference.includes(':') ? 'manifest' : 'tag';
  return `${url.host} has no ${name} ${reference} in the repository ${repository}: `;
}

/**
 * Reports whether a registry rejected an expired token. ECR does so with 403 and "Your authorization token has
 * expired".
 */
export function isTokenExpired(body: Uint8Array): boolean {
  return readRefusals(body).some(({ message }) => /\btoken has expired\b/i.test(message));
}

/**
 * Reports whether the registry rejected the credentials. Reads the body, and returns a response that replays it: its
 * connection must be free while other credentials are obtained, possibly from the same host.
 */
export async function checkRejection(
  response: HttpResponse,
  method: HttpMethod,
): Promise<{ readonly response: HttpResponse; readonly isRejected: boolean }> {
  if (response.status !== 401 && response.status !== 403) return { response, isRejected: false };
  const body = await readWhole(response, method, MAX_ERROR_SIZE).catch(() => new Uint8Array());
  const replayed = { ...response, body: replay(body), discard: () => undefined };
  return { response: replayed, isRejected: response.status === 401 || isTokenExpired(body) };
}

async function* replay(body: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield body;
}

/**
 * Parses the errors in a body and sanitizes them. Returns an empty list if the body does not follow the specification.
 */
function readRefusals(body: Uint8Array | undefined, sent: RequestSecrets = {}): RegistryRefusal[] {
  const json = parseJson(utf8.decode(body));
  const errors = isRecord(json) && Array.isArray(json.errors) ? json.errors : [];
  const sanitize = (text: unknown, maxLength: number) =>
    typeof text === 'string' ? sanitizeText(text, maxLength, sent) : '';
  return errors
    .slice(0, MAX_REFUSALS)
    .filter(isRecord)
    .map(({ code, message }) => ({
      code: sanitize(code, MAX_CODE_LENGTH),
      message: sanitize(message, MAX_MESSAGE_LENGTH),
    }));
}

function classify(
  response: ErrorResponse,
  refusals: readonly RegistryRefusal[],
): RegistryErrorCode | 'NOT_FOUND' | 'RANGE_INVALID' {
  const { method, url, status } = response;
  const isWrite = method !== 'GET' && method !== 'HEAD';
  const isManifest = url.pathname.includes('/manifests/');
  if (status === 401) return 'AUTHENTICATION_FAILED';
  if (isWrite && isManifest && refusals.some(isImmutable)) return 'TAG_IMMUTABLE';
  if (status === 403) return 'ACCESS_DENIED';
  if (status === 429) return 'RATE_LIMITED';
  if (status >= 500) return 'SERVER_FAILED';
  if (status < 400) return isRedirect(status, 'GET') ? 'REDIRECT_REFUSED' : 'RESPONSE_INVALID';
  if (isHtml(response)) return 'RESPONSE_INVALID';
  if (status === 404) return 'NOT_FOUND';
  if (status === 416 && !isWrite) return 'RANGE_INVALID';
  // ECR responds with 405 to every manifest that it rejects.
  if (method === 'PUT' && isManifest) return 'MANIFEST_REFUSED';
  if (status === 405 || refusals.some(({ code }) => code === 'UNSUPPORTED')) return 'UNSUPPORTED';
  return isWrite && method !== 'DELETE' ? 'UPLOAD_REFUSED' : 'UNSUPPORTED';
}

/**
 * Matches ECR ("... because the repository is immutable"), Harbor ("configured as immutable") and Google ("the tag is
 * immutable").
 */
function isImmutable({ code, message }: RegistryRefusal): boolean {
  return /immutable|ImageTagAlreadyExists/i.test(`${code} ${message}`);
}

function describeErrors(response: ErrorResponse, refusals: readonly RegistryRefusal[]): string {
  if (refusals.length > 0) {
    return `: ${refusals.map(({ code, message }) => [code, message].filter((text) => text !== '').join(': ')).join('; ')}`;
  }
  if (isHtml(response))
    return ' and an HTML page: check that the host is a registry and that no proxy intercepts requests';
  return response.status === 401 || response.method === 'HEAD' ? '' : ' and no error message';
}

function isHtml({ headers, body }: ErrorResponse): boolean {
  return (
    /^text\/html\b/i.test(headers['content-type'] ?? '') ||
    /^\s*<(?:!doctype )?html/i.test(utf8.decode(body?.subarray(0, 256)))
  );
}
