import type { CallOptions, Descriptor } from '@soci/oci';
import type { HttpBody } from '../../transport/http-message.ts';
import { MAX_SHORT_ANSWER } from '../answer.ts';
import { pushScope, type RepositoryContext } from '../repository-context.ts';
import { Resends } from '../resends.ts';
import { sentOnce } from '../sent-once.ts';
import { checkStored } from '../stored-digest.ts';
import { postWhole } from './post-whole.ts';
import { cancelUpload, closingUrl, openUpload, type UploadSession } from './upload-session.ts';

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
      thinkingTime: Math.ceil(target.size / CLOSING_RATE),
      scope: pushScope(context),
      ...call,
    },
    MAX_SHORT_ANSWER,
  );
  checkStored(response, target);
}
