import { type ByteRange, type CallOptions, OciError } from '@soci/oci';
import { scopeFor } from '../auth/scope.ts';
import type { RegistryRequest } from '../client/registry-http.ts';
import { RegistryError } from '../errors.ts';
import type { HttpResponse } from '../transport/http-message.ts';
import type { RemoteBlob } from './remote-blob.ts';

/** The response to a request for a range of a blob. */
export interface RangeResponse {
  /** Its body may contain more or fewer bytes than requested. */
  readonly response: HttpResponse;
  /** Offset of the body in the blob: that of the range, or 0 if the server does not support ranges. */
  readonly start: number;
}

/** Statuses that storage services return for an expired URL. */
const EXPIRED_URL_STATUSES: readonly number[] = [400, 403];

/** Statuses that storage services return for a URL that is no longer valid. */
const INVALID_URL_STATUSES: readonly number[] = [...EXPIRED_URL_STATUSES, 401, 404, 410];

/** Requests a range of a blob: from its storage if the URL is cached, otherwise from the registry. */
export async function requestRange(blob: RemoteBlob, range: ByteRange, call: CallOptions): Promise<RangeResponse> {
  const response = (await requestFromStorage(blob, range, call)) ?? (await requestFromRegistry(blob, range, call));
  try {
    return { response, start: checkResponse(blob, range, response) };
  } catch (error) {
    response.discard();
    throw error;
  }
}

async function requestFromStorage(
  blob: RemoteBlob,
  range: ByteRange,
  call: CallOptions,
): Promise<HttpResponse | undefined> {
  const { http, repository, digest } = blob;
  const { urlCache } = blob.options;
  const url = urlCache?.get(repository, digest);
  if (url === undefined) return undefined;
  try {
    const response = await http.open(
      request(blob, range, call, { target: url, expected: [...INVALID_URL_STATUSES, 416] }),
    );
    if (!INVALID_URL_STATUSES.includes(response.status)) return response;
    response.discard();
  } catch {
    // Ask the registry, whatever the reason: its response decides.
    call.signal?.throwIfAborted();
  }
  urlCache?.delete(repository, digest);
  return undefined;
}

async function requestFromRegistry(blob: RemoteBlob, range: ByteRange, call: CallOptions): Promise<HttpResponse> {
  const { http, repository, digest, path } = blob;
  let response = await http.open(
    request(blob, range, call, { target: path, expected: [...EXPIRED_URL_STATUSES, 416] }),
  );
  if (EXPIRED_URL_STATUSES.includes(response.status)) {
    // The URL of the storage may have expired on the way, in which case a new one may work. If the registry itself sent
    // this status, it repeats its error message.
    response.discard();
    response = await http.open(request(blob, range, call, { target: path, expected: [416] }));
  }
  if (response.url.origin !== http.origin) blob.options.urlCache?.set(repository, digest, response.url);
  return response;
}

function request(
  blob: RemoteBlob,
  { offset, length }: ByteRange,
  call: CallOptions,
  options: Pick<RegistryRequest, 'target' | 'expected'>,
): RegistryRequest {
  // Always name the last byte: the registry of go-containerregistry rejects open-ended ranges.
  const headers = length === blob.size ? {} : { range: `bytes=${offset}-${offset + length - 1}` };
  return { ...options, method: 'GET', headers, scope: scopeFor(blob.repository, 'pull'), ...call };
}

/** Returns the offset of the response body in the blob. */
function checkResponse(blob: RemoteBlob, { offset, length }: ByteRange, response: HttpResponse): number {
  const { status, headers } = response;
  const isWhole = length === blob.size;
  if (status === 416 && !isWhole) throw sizeMismatch(blob, `has no byte ${offset}`);
  if (status === 206 && !isWhole) return checkPart(blob, offset, offset + length - 1, headers['content-range']);
  if (status !== 200) throw invalid(blob, response, `the response has the unexpected status ${status}`);
  const size = headers['content-length'];
  if (/^text\/html\b/i.test(headers['content-type'] ?? '') && size !== String(blob.size)) {
    throw invalid(
      blob,
      response,
      'the response is an HTML page: check whether a proxy or a login page intercepts requests',
    );
  }
  if (size !== undefined && Number(size) > blob.size) throw sizeMismatch(blob, `has ${size} bytes`);
  return 0;
}

/** A partial response may end early, because the rest is requested then, but it must start at the requested byte. */
function checkPart(blob: RemoteBlob, first: number, last: number, contentRange: string | undefined): number {
  const part = parseContentRange(contentRange);
  if (part?.size !== undefined && part.size !== blob.size) throw sizeMismatch(blob, `has ${part.size} bytes`);
  if (part === undefined || part.first !== first || part.last > last) {
    const actual = part === undefined ? 'missing or invalid' : `bytes ${part.first}-${part.last}`;
    throw new RegistryError(
      'RESPONSE_INVALID',
      `${blob.request}: bytes ${first}-${last} were requested, but the Content-Range of the response is ${actual}`,
      { request: blob.request, status: 206 },
    );
  }
  return first;
}

function sizeMismatch(blob: RemoteBlob, problem: string): OciError {
  const expected = `its descriptor says ${blob.size} bytes (${blob.request})`;
  return new OciError('SIZE_MISMATCH', `${blob.digest} ${problem}, ${expected}`);
}

function invalid(blob: RemoteBlob, { status }: HttpResponse, problem: string): RegistryError {
  const { request } = blob;
  return new RegistryError('RESPONSE_INVALID', `${request}: ${problem}`, { request, status });
}

type ContentRange = { readonly first: number; readonly last: number; readonly size: number | undefined };

const PATTERN = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i;

/**
 * Parses a `Content-Range`: the positions of the first and last byte, and the complete length if known.
 *
 * @returns undefined if it is invalid
 * @see RFC 9110, section 14.4
 */
export function parseContentRange(text: string | undefined): ContentRange | undefined {
  const match = PATTERN.exec(text?.trim() ?? '');
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const size = match[3] === '*' ? undefined : Number(match[3]);
  const isWhole = Number.isSafeInteger(last) && (size === undefined || Number.isSafeInteger(size));
  return isWhole && first <= last && (size === undefined || last < size) ? { first, last, size } : undefined;
}
