import { type CallOptions, type Descriptor, OciError } from '@soci/oci';
import { pushScope } from '../auth/scope.ts';
import { MAX_SHORT_ANSWER } from '../client/answer.ts';
import { checkStored } from '../client/checked-content.ts';
import { sentOnce } from '../client/replayable-body.ts';
import { Resends } from '../client/retry.ts';
import { RegistryError } from '../errors.ts';
import type { RepositoryContext } from '../repository-context.ts';
import type { HttpBody } from '../transport/http-message.ts';
import { cancelUpload, closingUrl, openUpload, readSession, type UploadSession } from './upload-session.ts';

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
export async function uploadBytes(
  context: RepositoryContext,
  target: Descriptor,
  content: Uint8Array,
  opened: UploadSession | undefined,
  call: CallOptions,
): Promise<void> {
  const begun = opened ?? (await postWhole(context, target, content, call));
  if (begun === 'stored') return;
  let session = begun === 'refused' ? undefined : begun;
  const resends = new Resends(context.retry, call);
  for (;;) {
    session ??= await openUpload(context, call);
    try {
      return await uploadWhole(context, session, target, sentOnce(content), call);
    } catch (error) {
      session = undefined;
      await resends.next(error);
    }
  }
}

/** Sends a whole blob into an upload, and closes it; gives the upload up where that fails. */
export async function uploadWhole(
  context: RepositoryContext,
  session: UploadSession,
  target: Descriptor,
  body: HttpBody,
  call: CallOptions,
): Promise<void> {
  try {
    await closeUpload(context, session, target, body, call);
  } catch (error) {
    await cancelUpload(context, session);
    throw error;
  }
}

/** The last request of an upload, with what has not been sent yet. @throws RegistryError `UPLOAD_REFUSED` */
export async function closeUpload(
  context: RepositoryContext,
  session: UploadSession,
  target: Descriptor,
  body: HttpBody | undefined,
  call: CallOptions,
): Promise<void> {
  const response = await context.http.exchange(
    {
      method: 'PUT',
      target: closingUrl(session, target.digest),
      headers: { 'content-type': 'application/octet-stream' },
      ...(body !== undefined && { body }),
      extraResponseTimeout: Math.ceil(target.size / CLOSING_RATE),
      scope: pushScope(context.path),
      ...call,
    },
    MAX_SHORT_ANSWER,
  );
  checkStored(response, target);
}

/** 256 KiB: what is sent in vain, once a registry, where it takes no blob in the first request. */
const MAX_POSTED = 2 ** 18;

/** What came of it: the blob is there, or an upload was opened for it, or neither. */
export type PostOutcome = 'refused' | 'stored' | UploadSession;

/**
 * Uploads a small blob in the request that otherwise opens an upload: half the requests, where the registry takes it.
 * Many only open the upload and do not look at the body (202); that is remembered, and they are not tried again.
 *
 * @see OCI distribution-spec v1.1, "Single POST"
 */
export async function postWhole(
  context: RepositoryContext,
  target: Descriptor,
  content: Uint8Array,
  call: CallOptions,
): Promise<PostOutcome> {
  const { http, path, traits } = context;
  if (traits.takesSinglePost === false || content.length > MAX_POSTED) return 'refused';
  try {
    const response = await http.exchange(
      {
        method: 'POST',
        target: `/v2/${path}/blobs/uploads/?digest=${encodeURIComponent(target.digest)}`,
        headers: { 'content-type': 'application/octet-stream' },
        body: sentOnce(content),
        scope: pushScope(context.path),
        ...call,
      },
      MAX_SHORT_ANSWER,
    );
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
