import { type CallOptions, type Descriptor, OciError, parseDigest } from '@soci/oci';
import { pushScope } from '../auth/scope.ts';
import { invalidAnswer } from '../client/answer.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { RegistryError } from '../errors.ts';
import type { Context } from '../repository-context.ts';

/** Milliseconds that giving an upload up may take; the registry forgets it sooner or later anyway. */
const CANCEL_TIMEOUT = 2_000;

/** A blob that is pushed into a repository. */
export interface BlobPush {
  readonly context: Context;
  readonly target: Descriptor;
  readonly call: CallOptions;
}

/** An upload that a registry has opened. */
export interface UploadSession {
  /** Where the next request goes. Its query is the registry's own. */
  readonly url: URL;
  /** Bytes that a chunk must have, but for the last. */
  readonly minChunk: number;
}

/** Opens an upload. @see OCI distribution-spec v1.1, "Pushing blobs" */
export async function openUpload({ context, call }: BlobPush): Promise<UploadSession> {
  const response = await context.http.exchange({
    method: 'POST',
    target: `/v2/${context.path}/blobs/uploads/`,
    scope: pushScope(context.path),
    ...call,
  });
  return readSession('POST', response);
}

/**
 * The upload that an answer leads to: its `Location`, relative or whole, with its query. It may lie on another origin, a
 * storage that takes uploads itself: `RegistryHttp` sends no credentials there, and refuses what no redirect may lead to.
 *
 * @throws RegistryError `RESPONSE_INVALID` without one.
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
export async function resumeUpload(
  { context, call }: BlobPush,
  session: UploadSession,
): Promise<{ readonly session: UploadSession; readonly stored: number }> {
  const response = await context.http.exchange({
    method: 'GET',
    target: session.url,
    scope: pushScope(context.path),
    ...call,
  });
  const next = response.headers.location === undefined ? session : readSession('GET', response);
  return { session: { ...next, minChunk: session.minChunk }, stored: storedBytes(response) };
}

/** The bytes that a registry has by the `Range` of its answer. */
function storedBytes({ headers }: WholeResponse): number {
  const [, last = '0'] = /^(?:bytes=)?0-(\d{1,15})$/.exec(headers.range ?? '') ?? [];
  // Of nothing registries say `0-0` too; an upload of which one byte is there is not worth telling apart.
  return last === '0' ? 0 : Number(last) + 1;
}

/** Where an upload ends, under its digest. The query is appended to, as text: it may be signed. */
export function closingUrl({ url }: UploadSession, digest: string): URL {
  const closing = new URL(url);
  closing.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return closing;
}

/** Gives an upload up, so that the registry need not keep what it has of it. That this fails is of no interest. */
export async function cancelUpload({ context }: BlobPush, { url }: UploadSession): Promise<void> {
  try {
    const signal = AbortSignal.timeout(CANCEL_TIMEOUT);
    const expected = [400, 404, 405];
    await context.http.exchange({ method: 'DELETE', target: url, scope: pushScope(context.path), expected, signal });
  } catch (error) {
    if (!(error instanceof RegistryError || error instanceof OciError || isTimeout(error))) throw error;
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
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
export async function mountBlob(
  context: Context,
  target: Descriptor,
  from: string,
  call: CallOptions,
): Promise<MountOutcome> {
  parseDigest(target.digest);
  const query = `mount=${encodeURIComponent(target.digest)}&from=${encodeURIComponent(from)}`;
  const response = await context.http.exchange({
    method: 'POST',
    target: `/v2/${context.path}/blobs/uploads/?${query}`,
    scope: [...pushScope(context.path), { repository: from, actions: ['pull'] }],
    expected: REFUSALS,
    ...call,
  });
  if (response.status >= 300) return 'refused';
  return response.status === 201 ? 'mounted' : readSession('POST', response);
}
