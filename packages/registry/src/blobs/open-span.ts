import { type ByteRange, type CallOptions, OciError } from '@soci/oci';
import { scopeFor } from '../auth/scope.ts';
import type { RegistryRequest } from '../client/registry-http.ts';
import { RegistryError } from '../errors.ts';
import type { HttpResponse } from '../transport/http-message.ts';
import type { RemoteBlob } from './remote-blob.ts';

/** An answer to the request for part of a blob. */
export interface OpenSpan {
  /** Its body may hold more or less than was asked for. */
  readonly response: HttpResponse;
  /** Where in the blob the body begins: where the span does, or at 0 where the server does not know ranges. */
  readonly start: number;
}

/** What storages answer to a URL that has expired. */
const URL_REFUSALS: readonly number[] = [400, 403];

/** What they answer to one that no longer holds, for whatever reason. */
const LOCATION_REFUSALS: readonly number[] = [...URL_REFUSALS, 401, 404, 410];

/** Asks for part of a blob: its storage directly where that is known, else the registry. */
export async function openSpan(blob: RemoteBlob, span: ByteRange, call: CallOptions): Promise<OpenSpan> {
  const response = (await openAtLocation(blob, span, call)) ?? (await openAtRegistry(blob, span, call));
  try {
    return { response, start: checkAnswer(blob, span, response) };
  } catch (error) {
    response.discard();
    throw error;
  }
}

async function openAtLocation(blob: RemoteBlob, span: ByteRange, call: CallOptions): Promise<HttpResponse | undefined> {
  const { http, repository, digest } = blob;
  const { locations } = blob.options;
  const url = locations?.find(repository, digest);
  if (url === undefined) return undefined;
  try {
    const response = await http.open(request(blob, span, call, { target: url, expected: [...LOCATION_REFUSALS, 416] }));
    if (!LOCATION_REFUSALS.includes(response.status)) return response;
    response.discard();
  } catch {
    // Whatever it was: the registry has the last word, and the next request goes there.
    call.signal?.throwIfAborted();
  }
  locations?.forget(repository, digest);
  return undefined;
}

async function openAtRegistry(blob: RemoteBlob, span: ByteRange, call: CallOptions): Promise<HttpResponse> {
  const { http, repository, digest, path } = blob;
  let response = await http.open(request(blob, span, call, { target: path, expected: [...URL_REFUSALS, 416] }));
  if (URL_REFUSALS.includes(response.status)) {
    // Was it the storage, and the URL too old by the time that it got there? A new one is as likely to be good; and where
    // it was the registry, it says its reasons once more.
    response.discard();
    response = await http.open(request(blob, span, call, { target: path, expected: [416] }));
  }
  if (response.url.origin !== http.origin) blob.options.locations?.remember(repository, digest, response.url);
  return response;
}

function request(
  blob: RemoteBlob,
  { offset, length }: ByteRange,
  call: CallOptions,
  where: Pick<RegistryRequest, 'target' | 'expected'>,
): RegistryRequest {
  // The last byte is named at the blob's end too: go-containerregistry's registry refuses a range without one.
  const headers = length === blob.size ? {} : { range: `bytes=${offset}-${offset + length - 1}` };
  return { ...where, method: 'GET', headers, scope: scopeFor(blob.repository, 'pull'), ...call };
}

/** Where in the blob the answer's body begins. */
function checkAnswer(blob: RemoteBlob, { offset, length }: ByteRange, response: HttpResponse): number {
  const { status, headers } = response;
  const isWhole = length === blob.size;
  if (status === 416 && !isWhole) throw sizeMismatch(blob, `has nothing at byte ${offset}`);
  if (status === 206 && !isWhole) return checkPart(blob, offset, offset + length - 1, headers['content-range']);
  if (status !== 200) throw invalid(blob, response, `the answer has the status ${status}`);
  const size = headers['content-length'];
  if (/^text\/html\b/i.test(headers['content-type'] ?? '') && size !== String(blob.size)) {
    throw invalid(blob, response, 'the answer is a page of HTML: is a proxy or a login between here and the registry?');
  }
  if (size !== undefined && Number(size) > blob.size) throw sizeMismatch(blob, `has ${size} bytes`);
  return 0;
}

/** A part may end early (the rest is asked for then), but begins where it was asked to, within a blob of the right size. */
function checkPart(blob: RemoteBlob, first: number, last: number, contentRange: string | undefined): number {
  const part = parseContentRange(contentRange);
  if (part?.size !== undefined && part.size !== blob.size) throw sizeMismatch(blob, `has ${part.size} bytes`);
  if (part === undefined || part.first !== first || part.last > last) {
    const said = part === undefined ? 'none' : `bytes ${part.first}-${part.last}`;
    throw new RegistryError(
      'RESPONSE_INVALID',
      `bytes ${first}-${last} of ${blob.digest} were asked for, and the answer's Content-Range is ${said}`,
      { request: blob.request, status: 206 },
    );
  }
  return first;
}

function sizeMismatch(blob: RemoteBlob, what: string): OciError {
  const where = `at the registry (${blob.request})`;
  return new OciError('SIZE_MISMATCH', `${blob.digest} ${what} ${where}, its descriptor says ${blob.size} bytes`);
}

function invalid(blob: RemoteBlob, { status }: HttpResponse, what: string): RegistryError {
  const { digest, request } = blob;
  return new RegistryError('RESPONSE_INVALID', `${digest} was asked for (${request}): ${what}`, { request, status });
}

type ContentRange = { readonly first: number; readonly last: number; readonly size: number | undefined };

const PATTERN = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i;

/**
 * Reads the positions of the first and the last byte, and the size of the whole if it is there, from a `Content-Range`.
 *
 * @returns undefined for what is none, or contradicts itself.
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
