import { type Descriptor, OciError, parseDigest } from '@soci/oci';
import { scopeFor } from '../auth/scope.ts';
import { invalidResponse } from '../client/check-response.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { Retries } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import { type Context, exchange } from '../repository-context.ts';

/** Timeout for cancelling an upload, in milliseconds. Registries eventually discard abandoned uploads. */
const CANCEL_TIMEOUT = 2_000;

/** The push of a blob to a repository. */
export interface BlobPush extends Context {
  readonly target: Descriptor;
}

/** Returns the retries of an upload, whose requests are not resent automatically. */
export function uploadRetries({ retry, signal }: Context): Retries {
  return new Retries({ policy: retry, renewsCredentials: true, signal });
}

/** Headers of requests that upload bytes. */
export const OCTET_STREAM = { 'content-type': 'application/octet-stream' };

/** An open upload. */
export interface UploadSession {
  /** URL of the next request, including the query set by the registry. */
  readonly url: URL;
  /** Minimum size of a chunk except the last, in bytes. */
  readonly minChunk: number;
}

/** Opens an upload. @see OCI distribution-spec v1.1, "Pushing blobs" */
export async function openUpload(context: Context): Promise<UploadSession> {
  return readSession('POST', await exchange(context, 'push', { method: 'POST', target: uploadsPath(context) }));
}

/** Returns the URL path that opens uploads. */
export function uploadsPath({ path }: Context): string {
  return `/v2/${path}/blobs/uploads/`;
}

/**
 * Returns the session from the `Location` of a response, relative or absolute, with its query. The URL may have another
 * origin, such as a storage service. `RegistryHttp` sends no credentials there and applies the rules for redirects.
 */
export function readSession(method: 'GET' | 'PATCH' | 'POST', response: WholeResponse): UploadSession {
  const { location = '', 'oci-chunk-min-length': minChunk } = response.headers;
  if (location === '' || !URL.canParse(location, response.url.href)) {
    throw invalidResponse(method, response, 'has no valid Location for the upload');
  }
  const url = new URL(location, response.url);
  return { url, minChunk: /^\d{1,10}$/.test(minChunk ?? '') ? Number(minChunk) : 0 };
}

/** Returns the session and the number of bytes that the registry has received. */
export async function resumeUpload(context: Context, session: UploadSession): Promise<[UploadSession, number]> {
  const response = await exchange(context, 'push', { method: 'GET', target: session.url });
  const next = response.headers.location === undefined ? session : readSession('GET', response);
  return [{ ...next, minChunk: session.minChunk }, storedBytes(response)];
}

/** Returns the number of stored bytes from the `Range` of a response. */
function storedBytes({ headers }: WholeResponse): number {
  const [, last = '0'] = /^(?:bytes=)?0-(\d{1,15})$/.exec(headers.range ?? '') ?? [];
  // Registries also report `0-0` for an empty upload. Resending one byte is harmless.
  return last === '0' ? 0 : Number(last) + 1;
}

/** Cancels an upload, so that the registry can discard its data. Ignores failures. */
export async function cancelUpload(context: Context, { url }: UploadSession): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT);
  try {
    await exchange({ ...context, signal }, 'push', { method: 'DELETE', target: url, expected: [400, 404, 405] });
  } catch (error) {
    if (!(error instanceof RegistryError || error instanceof OciError || error === signal.reason)) throw error;
  }
}

/** Statuses that reject a mount without opening an upload. The blob is then pushed. */
const REJECTED_MOUNT = [400, 403, 404, 405];

/** Result of a mount request: mounted, an upload was opened instead, or rejected. */
export type MountOutcome = 'mounted' | 'rejected' | UploadSession;

/**
 * Requests to mount a blob from another repository of the registry.
 *
 * @param from - Name of that repository.
 * @see OCI distribution-spec v1.1, "Mounting a blob from another repository"
 */
export async function mountBlob(context: Context, target: Descriptor, from: string): Promise<MountOutcome> {
  parseDigest(target.digest);
  const { http, path, signal } = context;
  const query = `mount=${encodeURIComponent(target.digest)}&from=${encodeURIComponent(from)}`;
  const response = await http.exchange({
    method: 'POST',
    target: `${uploadsPath(context)}?${query}`,
    scope: [...scopeFor(path, 'push'), ...scopeFor(from, 'pull')],
    expected: REJECTED_MOUNT,
    ...(signal && { signal }),
  });
  if (response.status >= 300) return 'rejected';
  return response.status === 201 ? 'mounted' : readSession('POST', response);
}
