import { isDigest } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { describeRequest, type HttpMethod } from '../transport/http-message.ts';
import type { WholeResponse } from './registry-http.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * An answer that no registry gives, told with the request that it is to.
 *
 * @param problem - In words of ours: what a server puts where it does not belong may be what it was sent, a password too.
 */
export function invalidAnswer(
  method: HttpMethod,
  { url, status }: Pick<WholeResponse, 'status' | 'url'>,
  problem: string,
): RegistryError {
  const request = describeRequest(method, url);
  return new RegistryError('RESPONSE_INVALID', `${request}: the registry's answer ${problem}`, { request, status });
}

/** The media type of an answer, without its parameters, in lower case; empty where it names none. */
export function mediaTypeOf({ headers }: Pick<WholeResponse, 'headers'>): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The `Docker-Content-Digest` of an answer; undefined where there is none. @throws RegistryError `RESPONSE_INVALID` */
export function digestHeader(method: HttpMethod, response: WholeResponse): string | undefined {
  const digest = response.headers['docker-content-digest'];
  if (digest === undefined || digest === '') return undefined;
  if (isDigest(digest)) return digest;
  throw invalidAnswer(method, response, 'has a Docker-Content-Digest that is none');
}

/**
 * The JSON object that answers a GET.
 *
 * @throws RegistryError `RESPONSE_INVALID` where it is something else, such as the HTML of a proxy.
 */
export function readJsonAnswer(response: WholeResponse): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(response.body));
  } catch {
    // Without its cause: the parser's message quotes what it stumbled over.
    throw invalidAnswer('GET', response, `is not JSON but ${nameOf(response)}${HINT}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidAnswer('GET', response, 'is not a JSON object');
}

/** @throws RegistryError `RESPONSE_INVALID` where what should be a manifest is a page for people. */
export function refuseHtml(response: WholeResponse): void {
  if (mediaTypeOf(response) === 'text/html') throw invalidAnswer('GET', response, `is HTML${HINT}`);
}

const HINT = ': is this a registry, or does a proxy answer in its place?';

function nameOf(response: WholeResponse): string {
  return mediaTypeOf(response) === 'text/html' ? 'HTML' : `${response.body.length} bytes of something else`;
}
