import { type CallOptions, type Descriptor, OciError } from '@soci/oci';
import { RegistryError } from '../../errors.ts';
import { MAX_SHORT_ANSWER } from '../answer.ts';
import { pushScope, type RepositoryContext } from '../repository-context.ts';
import { sentOnce } from '../sent-once.ts';
import { checkStored } from '../stored-digest.ts';
import { readSession, type UploadSession } from './upload-session.ts';

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
        scope: pushScope(context),
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
