import { OciError } from '@soci/oci';
import { RegistryError, type RegistryErrorCode, type RegistryRefusal } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import { describeRequest, type HttpMethod, type HttpResponse, readWhole } from '../transport/http-message.ts';
import { cleanText, type SentSecrets } from './foreign-text.ts';
import { isRedirect } from './redirect.ts';

/** 64 KiB: what a registry may say of a refusal. */
export const MAX_ERROR_SIZE = 2 ** 16;

/** Refusals kept of one answer. */
const MAX_REFUSALS = 10;

/** Characters kept of a refusal's code, and of its message. */
const MAX_CODE_LENGTH = 64;
const MAX_MESSAGE_LENGTH = 500;

const utf8 = new TextDecoder();

/** An answer that is a refusal, its body read. */
export interface ErrorResponse extends Pick<HttpResponse, 'headers' | 'status' | 'url'> {
  readonly method: HttpMethod;
  /** As much of it as was read; undefined where it could not be. */
  readonly body: Uint8Array | undefined;
}

/** What {@link describeFailure} knows beside the answer. */
export interface FailureContext {
  /** The `Authorization` that was sent: whoever sends it back does not get it into a message. */
  readonly authorization?: string | undefined;
  /** What to do about it, as a clause. */
  readonly remedy?: string | undefined;
}

/** Makes the error that a refusal is, with the registry's own words. @see OCI distribution-spec v1.1, "Error Codes" */
export function describeFailure(
  response: ErrorResponse,
  { authorization, remedy }: FailureContext = {},
): RegistryError | OciError {
  const { method, url, status, body } = response;
  const request = describeRequest(method, url);
  const refusals = readRefusals(body, { authorization, url });
  const message = `${request} was answered with ${status}${describeWords(response, refusals)}${remedy ? `: ${remedy}` : ''}`;
  const code = classify(response, refusals);
  if (code === 'NOT_FOUND' || code === 'RANGE_INVALID') return new OciError(code, message);
  return new RegistryError(code, message, { request, status, refusals });
}

/** Whether a refusal is of a token that was good once. ECR says so with 403, "Your authorization token has expired". */
export function isTokenExpired(body: Uint8Array): boolean {
  return readRefusals(body).some(({ message }) => /\btoken has expired\b/i.test(message));
}

/**
 * Whether the registry did not take the credentials. What it says of that is read, and can be read again: its connection
 * must not wait for other credentials, which may have to be asked for at the same host.
 */
export async function readRejection(
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

/** What the registry says, cleaned of what may not be printed. Empty where the body is not as the specification has it. */
function readRefusals(body: Uint8Array | undefined, sent: SentSecrets = {}): RegistryRefusal[] {
  const answer = parseJson(utf8.decode(body));
  const errors = isRecord(answer) && Array.isArray(answer.errors) ? answer.errors : [];
  const clean = (text: unknown, maxLength: number) =>
    typeof text === 'string' ? cleanText(text, maxLength, sent) : '';
  return errors
    .slice(0, MAX_REFUSALS)
    .filter(isRecord)
    .map(({ code, message }) => ({ code: clean(code, MAX_CODE_LENGTH), message: clean(message, MAX_MESSAGE_LENGTH) }));
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
  // ECR answers 405 to every manifest that it does not like.
  if (method === 'PUT' && isManifest) return 'MANIFEST_REFUSED';
  if (status === 405 || refusals.some(({ code }) => code === 'UNSUPPORTED')) return 'UNSUPPORTED';
  return isWrite && method !== 'DELETE' ? 'UPLOAD_REFUSED' : 'UNSUPPORTED';
}

/** ECR, Harbor, Google: "... because the repository is immutable", "configured as immutable", "the tag is immutable". */
function isImmutable({ code, message }: RegistryRefusal): boolean {
  return /immutable|ImageTagAlreadyExists/i.test(`${code} ${message}`);
}

function describeWords(response: ErrorResponse, refusals: readonly RegistryRefusal[]): string {
  if (refusals.length > 0) {
    return `: ${refusals.map(({ code, message }) => [code, message].filter((text) => text !== '').join(': ')).join('; ')}`;
  }
  if (isHtml(response))
    return ' and HTML, as no registry does: is this a registry, or does a proxy answer in its place?';
  return response.status === 401 || response.method === 'HEAD' ? '' : ' and no reason';
}

function isHtml({ headers, body }: ErrorResponse): boolean {
  return (
    /^text\/html\b/i.test(headers['content-type'] ?? '') ||
    /^\s*<(?:!doctype )?html/i.test(utf8.decode(body?.subarray(0, 256)))
  );
}
