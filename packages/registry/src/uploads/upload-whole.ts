import { OciError } from '@soci/oci';
import { checkStored } from '../client/answer.ts';
import { sentOnce } from '../client/replayable-body.ts';
import { RegistryError } from '../errors.ts';
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
  const retries = uploadRetries(push);
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
export async function closeUpload(push: BlobPush, session: UploadSession, body?: HttpBody): Promise<void> {
  const { digest, size } = push.target;
  const response = await exchange(push, 'push', {
    method: 'PUT',
    target: closingUrl(session, digest),
    headers: OCTET_STREAM,
    body,
    extraResponseTimeout: Math.ceil(size / CLOSING_RATE),
  });
  checkStored(response, push.target);
}

/** Where an upload ends, under its digest. The query is appended to, as text: it may be signed. */
function closingUrl({ url }: UploadSession, digest: string): URL {
  const closing = new URL(url);
  closing.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return closing;
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
async function postWhole(push: BlobPush, content: Uint8Array): Promise<PostOutcome> {
  const { target, traits } = push;
  if (traits.takesSinglePost === false || content.length > MAX_POSTED) return 'refused';
  try {
    const response = await exchange(push, 'push', {
      method: 'POST',
      target: `${uploadsPath(push)}?digest=${encodeURIComponent(target.digest)}`,
      headers: OCTET_STREAM,
      body: sentOnce(content),
    });
    traits.takesSinglePost = response.status === 201;
    if (response.status !== 201) return readSession('POST', response);
    checkStored(response, target);
    return 'stored';
  } catch (error) {
    push.signal?.throwIfAborted();
    if (error instanceof OciError && error.code === 'NOT_FOUND') return 'refused';
    if (!(error instanceof RegistryError)) throw error;
    // Whether it is the way of asking or something else, asking in the usual way tells.
    if ([400, 405, 411, 413, 415].includes(error.status ?? 0)) traits.takesSinglePost = false;
    return 'refused';
  }
}
