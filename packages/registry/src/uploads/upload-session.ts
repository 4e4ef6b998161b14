import { type Descriptor, OciError, parseDigest } from '@soci/oci';
import { scopeFor } from '../auth/scope.ts';
import { invalidAnswer } from '../client/answer.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { Retries } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import { type Context, exchange } from '../repository-context.ts';

/** Milliseconds that giving an upload up may take; the registry forgets it sooner or later anyway. */
const CANCEL_TIMEOUT = 2_000;

/** A blob that is pushed into a repository. */
export interface BlobPush extends Context {
  readonly target: Descriptor;
}

/** The attempts at a push whose requests are each sent once. */
export function uploadRetries({ retry, signal }: BlobPush): Retries {
  return new Retries({ policy: retry, renewsCredentials: true, signal });
}

/** Headers of bytes on their way into an upload. */
export const OCTET_STREAM = { 'content-type': 'application/octet-stream' };

/** An upload that a registry has opened. */
export interface UploadSession {
  /** Where the next request goes. Its query is the registry's own. */
  readonly url: URL;
  /** Bytes that a chunk must have, but for the last. */
  readonly minChunk: number;
}

/** Opens an upload. @see OCI distribution-spec v1.1, "Pushing blobs" */
export async function openUpload(push: BlobPush): Promise<UploadSession> {
  return readSession('POST', await exchange(push, 'push', { method: 'POST', target: uploadsPath(push) }));
}

/** Where uploads are opened. */
export function uploadsPath({ path }: Context): string {
  return `/v2/${path}/blobs/uploads/`;
}

/**
 * The upload that an answer leads to: its `Location`, relative or whole, with its query. It may lie on another origin, a
 * storage that takes uploads itself: `RegistryHttp` sends no credentials there, and refuses what no redirect may lead to.
 */
export function readSession(method: 'GET' | 'PATCH' | 'POST', response: WholeResponse): UploadSession {
  const { location = '', 'oci-chunk-min-length': minChunk } = response.headers;
  if (location === '' || !URL.canParse(location, response.url.href)) {
    throw invalidAnswer(method, response, 'has no Location for the upload');
  }
  const url = new URL(location, response.url);
  return { url, minChunk: /^\d{1,10}$/.test(minChunk ?? '') ? Number(minChunk) : 0 };
}

/** How much of an upload the registry has, and where it goes on. */
export async function resumeUpload(push: BlobPush, session: UploadSession): Promise<[UploadSession, number]> {
  const response = await exchange(push, 'push', { method: 'GET', target: session.url });
  const next = response.headers.location === undefined ? session : readSession('GET', response);
  return [{ ...next, minChunk: session.minChunk }, storedBytes(response)];
}

/** The bytes that a registry has by the `Range` of its answer. */
function storedBytes({ headers }: WholeResponse): number {
  const [, last = '0'] = /^(?:bytes=)?0-(\d{1,15})$/.exec(headers.range ?? '') ?? [];
  // Of nothing registries say `0-0` too; an upload of which one byte is there is not worth telling apart.
  return last === '0' ? 0 : Number(last) + 1;
}

/** Gives an upload up, so that the registry need not keep what it has of it. That this fails is of no interest. */
export async function cancelUpload(push: BlobPush, { url }: UploadSession): Promise<void> {
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT);
  try {
    await exchange({ ...push, signal }, 'push', { method: 'DELETE', target: url, expected: [400, 404, 405] });
  } catch (error) {
    if (!(error instanceof RegistryError || error instanceof OciError || error === signal.reason)) throw error;
  }
}

/** How registries refuse a mount that they could as well answer with an upload: without that, push as ever. */
const REFUSALS = [400, 403, 404, 405];

/** What came of a mount: the blob is here, or an upload was opened for it, or neither. */
export type MountOutcome = 'mounted' | 'refused' | UploadSession;

/**
 * Asks the registry to take a blob over from another of its repositories.
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
    expected: REFUSALS,
    ...(signal && { signal }),
  });
  if (response.status >= 300) return 'refused';
  return response.status === 201 ? 'mounted' : readSession('POST', response);
}
