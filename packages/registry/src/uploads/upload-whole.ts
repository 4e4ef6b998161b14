import { OciError } from '@soci/oci';
import { pushScope } from '../auth/scope.ts';
import { checkStored } from '../client/checked-content.ts';
import { sentOnce } from '../client/replayable-body.ts';
import { Retries } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import type { HttpBody } from '../transport/http-message.ts';
import {
  type BlobPush,
  cancelUpload,
  closingUrl,
  openUpload,
  readSession,
  type UploadSession,
} from './upload-session.ts';

/**
 * Bytes a millisecond, 10 MB/s, at which a registry puts an upload together and looks at its digest, at worst: it answers
 * the last request after that, and is not taken for stalled before.
 */
const CLOSING_RATE = 10_000;

/**
 * Uploads bytes in memory in one piece, small ones in one request where the registry takes that. What breaks off begins
 * anew, in an upload of its own: a registry may have kept part of the first attempt, and add the second to it.
 *
 * @param opened - An upload that was opened before. @default one is opened
 */
export async function uploadBytes(push: BlobPush, content: Uint8Array, opened?: UploadSession): Promise<void> {
  const begun = opened ?? (await postWhole(push, content));
  if (begun === 'stored') return;
  let session = begun === 'refused' ? undefined : begun;
  const retries = new Retries({ policy: push.context.retry, renewsCredentials: true, ...push.call });
  for (;;) {
    session ??= await openUpload(push);
    try {
      return await uploadWhole(push, session, sentOnce(content));
    } catch (error) {
      session = undefined;
      await retries.next(error);
    }
  }
}

/** Sends a whole blob into an upload, and closes it; gives the upload up where that fails. */
export async function uploadWhole(push: BlobPush, session: UploadSession, body: HttpBody): Promise<void> {
  try {
    await closeUpload(push, session, body);
  } catch (error) {
    await cancelUpload(push, session);
    throw error;
  }
}

/** The last request of an upload, with what has not been sent yet. @throws RegistryError `UPLOAD_REFUSED` */
export async function closeUpload(
  { context, target, call }: BlobPush,
  session: UploadSession,
  body?: HttpBody,
): Promise<void> {
  const response = await context.http.exchange({
    method: 'PUT',
    target: closingUrl(session, target.digest),
    headers: { 'content-type': 'application/octet-stream' },
    body,
    extraResponseTimeout: Math.ceil(target.size / CLOSING_RATE),
    scope: pushScope(context.path),
    ...call,
  });
  checkStored(response, target);
}

/** 256 KiB: what is sent in vain, once a registry, where it takes no blob in the first request. */
const MAX_POSTED = 2 ** 18;

/** What came of it: the blob is there, or an upload was opened for it, or neither. */
type PostOutcome = 'refused' | 'stored' | UploadSession;

/**
 * Uploads a small blob in the request that otherwise opens an upload: half the requests, where the registry takes it.
 * Many only open the upload and do not look at the body (202); that is remembered, and they are not tried again.
 *
 * @see OCI distribution-spec v1.1, "Single POST"
 */
async function postWhole({ context, target, call }: BlobPush, content: Uint8Array): Promise<PostOutcome> {
  const { http, path, traits } = context;
  if (traits.takesSinglePost === false || content.length > MAX_POSTED) return 'refused';
  try {
    const response = await http.exchange({
      method: 'POST',
      target: `/v2/${path}/blobs/uploads/?digest=${encodeURIComponent(target.digest)}`,
      headers: { 'content-type': 'application/octet-stream' },
      body: sentOnce(content),
      scope: pushScope(path),
      ...call,
    });
    traits.takesSinglePost = response.status === 201;
    if (response.status !== 201) return readSession('POST', response);
    checkStored(response, target);
    return 'stored';
  } catch (error) {
    call.signal?.throwIfAborted();
    if (!isAnswerOrBreak(error)) throw error;
    // Whether it is the way of asking or something else, asking in the usual way tells.
    if (error instanceof RegistryError && [400, 405, 411, 413, 415].includes(error.status ?? 0)) {
      traits.takesSinglePost = false;
    }
    return 'refused';
  }
}

function isAnswerOrBreak(error: unknown): boolean {
  return error instanceof RegistryError || (error instanceof OciError && error.code === 'NOT_FOUND');
}
