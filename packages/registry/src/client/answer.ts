import { type Descriptor, digestOf, isDigest, OciError, parseDigest } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { isRecord } from '../json.ts';
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
  if (isRecord(value)) return value;
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

/**
 * Checks that bytes in memory are what their descriptor says.
 *
 * @param where - What the bytes are, for error messages.
 * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export function checkContent(content: Uint8Array, { digest, size }: Descriptor, where: string): void {
  if (content.length !== size) {
    throw new OciError('SIZE_MISMATCH', `${where} has ${content.length} bytes, its descriptor ${digest} says ${size}`);
  }
  const actual = digestOf(content, parseDigest(digest).algorithm);
  if (actual !== digest) {
    const problem = `${where} has the digest ${actual}, not ${digest}`;
    throw new OciError('DIGEST_MISMATCH', `${problem}: it is damaged or not the one asked for`);
  }
}

/**
 * Checks the answer to the PUT of a blob or a manifest.
 *
 * @throws OciError `DIGEST_MISMATCH` where the registry says that it stored something else.
 */
export function checkStored(response: WholeResponse, { digest }: Descriptor): void {
  const stored = digestHeader('PUT', response);
  // A registry may tell the digest of another algorithm than it was given.
  if (stored === undefined || stored === digest) return;
  if (parseDigest(stored).algorithm !== parseDigest(digest).algorithm) return;
  const request = describeRequest('PUT', response.url);
  throw new OciError('DIGEST_MISMATCH', `${request}: the registry stored ${digest} as ${stored}`);
}
