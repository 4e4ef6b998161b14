import { type Descriptor, digestOf, isDigest, OciError, parseDigest } from '@soci/oci';
import { RegistryError } from '../errors.ts';
import { isRecord } from '../json.ts';
import { describeRequest, type HttpMethod } from '../transport/http-message.ts';
import type { WholeResponse } from './registry-http.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Returns an error for a response that violates the protocol.
 *
 * @param problem - Must not quote the response: a server may send back what it received, including a password.
 */
export function invalidResponse(
  method: HttpMethod,
  { url, status }: Pick<WholeResponse, 'status' | 'url'>,
  problem: string,
): RegistryError {
  const request = describeRequest(method, url);
  return new RegistryError('RESPONSE_INVALID', `${request}: the response ${problem}`, { request, status });
}

/** Returns the media type of a response in lower case, without parameters; empty if it has none. */
export function mediaTypeOf({ headers }: Pick<WholeResponse, 'headers'>): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Returns the `Docker-Content-Digest` of a response, if any. @throws RegistryError `RESPONSE_INVALID` */
export function digestHeader(method: HttpMethod, response: WholeResponse): string | undefined {
  const digest = response.headers['docker-content-digest'];
  if (digest === undefined || digest === '') return undefined;
  if (isDigest(digest)) return digest;
  throw invalidResponse(method, response, 'has an invalid Docker-Content-Digest');
}

/**
 * Parses the JSON object in the response to a GET.
 *
 * @throws RegistryError `RESPONSE_INVALID` if it is something else, such as the HTML page of a proxy
 */
export function parseJsonResponse(response: WholeResponse): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(response.body));
  } catch {
    // Without a cause: the parser's message quotes the response.
    throw invalidResponse('GET', response, `is not JSON but ${describeBody(response)}${HINT}`);
  }
  if (isRecord(value)) return value;
  throw invalidResponse('GET', response, 'is not a JSON object');
}

/** Rejects an HTML page where a manifest is expected. @throws RegistryError `RESPONSE_INVALID` */
export function rejectHtml(response: WholeResponse): void {
  if (mediaTypeOf(response) === 'text/html') throw invalidResponse('GET', response, `is HTML${HINT}`);
}

const HINT = ': check that the host is a registry and that no proxy intercepts requests';

function describeBody(response: WholeResponse): string {
  return mediaTypeOf(response) === 'text/html' ? 'HTML' : `${response.body.length} bytes of something else`;
}

/**
 * Verifies size and digest of content in memory.
 *
 * @param subject - Describes the content in error messages.
 * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export function checkContent(content: Uint8Array, { digest, size }: Descriptor, subject: string): void {
  if (content.length !== size) {
    throw new OciError(
      'SIZE_MISMATCH',
      `${subject} has ${content.length} bytes, its descriptor ${digest} says ${size}`,
    );
  }
  const actual = digestOf(content, parseDigest(digest).algorithm);
  if (actual !== digest) {
    const problem = `${subject} has the digest ${actual}, expected ${digest}`;
    throw new OciError('DIGEST_MISMATCH', `${problem}: it is damaged or not the requested content`);
  }
}

/**
 * Checks that the response to the PUT of a manifest reports success: 201, or 200 with the digest. Proxies answer 200 with
 * a page, and some registries answer 202, without storing anything.
 *
 * @throws RegistryError `RESPONSE_INVALID`; OciError `DIGEST_MISMATCH` if the registry reports another digest
 */
export function checkManifestStored(response: WholeResponse, target: Descriptor): void {
  checkStoredDigest(response, target);
  if (response.status === 201) return;
  if (response.status === 200 && digestHeader('PUT', response) === target.digest) return;
  const problem = response.status === 200 ? '200 without the digest of the manifest' : `${response.status}`;
  const body = mediaTypeOf(response) === 'text/html' ? ' and an HTML page' : '';
  throw invalidResponse('PUT', response, `has the status ${problem}${body}, expected 201${HINT}`);
}

/**
 * Checks the response to the PUT of a blob or a manifest.
 *
 * @throws OciError `DIGEST_MISMATCH` if the registry reports another digest
 */
export function checkStoredDigest(response: WholeResponse, { digest }: Descriptor): void {
  const stored = digestHeader('PUT', response);
  // A registry may report the digest of another algorithm.
  if (stored === undefined || stored === digest) return;
  if (parseDigest(stored).algorithm !== parseDigest(digest).algorithm) return;
  const request = describeRequest('PUT', response.url);
  throw new OciError('DIGEST_MISMATCH', `${request}: the registry stored ${digest} as ${stored}`);
}

/** Reports whether {@link checkStoredDigest} threw `error` because of another digest. */
export function isDigestMismatch(error: unknown): boolean {
  return error instanceof OciError && error.code === 'DIGEST_MISMATCH';
}
