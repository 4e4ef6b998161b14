import { OciError } from '@soci/oci';
import { checkStoredDigest, isDigestMismatch } from '../client/check-response.ts';
import type { WholeResponse } from '../client/registry-http.ts';
import { singleUseBytes } from '../client/replayable-body.ts';
import { RegistryError } from '../errors.ts';
import { probeContent } from '../manifests/manifests.ts';
import { exchange } from '../repository-context.ts';
import type { HttpBody } from '../transport/http-message.ts';
import {
  type BlobPush,
  cancelUpload,
  OCTET_STREAM,
  openUpload,
  readSession,
  type UploadSession,
  uploadRetries,
  uploadsPath,
} from './upload-session.ts';

/**
 * Minimum rate at which a registry assembles and hashes an upload, in bytes per millisecond (10 MB/s). Extends the
 * stall timeout of the last request.
 */
const CLOSING_RATE = 10_000;

/**
 * Uploads bytes in memory, small ones in a single POST if the registry supports it. Retries use a new upload: a
 * registry may have stored part of a failed request and append the retry to it.
 *
 * @param opened - An upload that is already open. @default a new upload
 */
export async function uploadBytes(push: BlobPush, content: Uint8Array, opened?: UploadSession): Promise<void> {
  const posted = opened ?? (await postMonolithic(push, content));
  if (posted === 'stored') return;
  let session = posted === 'rejected' ? undefined : posted;
  const retries = uploadRetries(push);
  for (;;) {
    session ??= await openUpload(push);
    try {
      return await uploadMonolithic(push, session, singleUseBytes(content));
    } catch (error) {
      session = undefined;
      await retries.next(error);
    }
  }
}

/** Sends a whole blob and completes the upload, or cancels it on failure. */
export async function uploadMonolithic(push: BlobPush, session: UploadSession, body: HttpBody): Promise<void> {
  try {
    await closeUpload(push, session, body);
  } catch (error) {
    await cancelUpload(push, session);
    throw error;
  }
}

/**
 * Completes an upload with its last request, which may contain the remaining bytes.
 *
 * @throws RegistryError `UPLOAD_REFUSED`
 */
export async function closeUpload(push: BlobPush, session: UploadSession, body?: HttpBody): Promise<void> {
  const { digest, size } = push.target;
  const response = await exchange(push, 'push', {
    method: 'PUT',
    target: closingUrl(session, digest),
    headers: OCTET_STREAM,
    body,
    extraResponseTimeout: Math.ceil(size / CLOSING_RATE),
  });
  await checkStored(push, response);
}

/** Checks the digest in the response. If it is another one, a HEAD decides whether the blob is stored. */
async function checkStored(push: BlobPush, response: WholeResponse): Promise<void> {
  try {
    checkStoredDigest(response, push.target);
  } catch (error) {
    if (!isDigestMismatch(error) || !(await probeContent(push, push.target))) throw error;
  }
}

/**
 * Returns the URL that completes an upload. The digest is appended to the query as text, because the query may be
 * signed.
 */
function closingUrl({ url }: UploadSession, digest: string): URL {
  const closing = new URL(url);
  closing.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return closing;
}

/** Maximum size for a single POST: 256 KiB, which are sent in vain once to a registry that does not support it. */
const MAX_POSTED = 2 ** 18;

/** Result of a single POST: stored, an upload was opened instead, or rejected. */
type PostOutcome = 'rejected' | 'stored' | UploadSession;

/**
 * Uploads a small blob in the request that otherwise only opens an upload, which halves the number of requests. Many
 * registries ignore the body and open an upload (202). This is remembered and not tried again.
 *
 * @see OCI distribution-spec v1.1, "Single POST"
 */
async function postMonolithic(push: BlobPush, content: Uint8Array): Promise<PostOutcome> {
  const { target, capabilities } = push;
  if (capabilities.supportsSinglePost === false || content.length > MAX_POSTED) return 'rejected';
  try {
    const response = await exchange(push, 'push', {
      method: 'POST',
      target: `${uploadsPath(push)}?digest=${encodeURIComponent(target.digest)}`,
      headers: OCTET_STREAM,
      body: singleUseBytes(content),
    });
    capabilities.supportsSinglePost = response.status === 201;
    if (response.status !== 201) return readSession('POST', response);
    await checkStored(push, response);
    return 'stored';
  } catch (error) {
    push.signal?.throwIfAborted();
    if (error instanceof OciError && error.code === 'NOT_FOUND') return 'rejected';
    if (!(error instanceof RegistryError)) throw error;
    // The caller falls back to a regular upload, which reports other problems.
    if ([400, 405, 411, 413, 415].includes(error.status ?? 0)) capabilities.supportsSinglePost = false;
    return 'rejected';
  }
}
