import { type CallOptions, type Descriptor, parseDigest } from '@soci/oci';
import { MAX_SHORT_ANSWER } from '../answer.ts';
import { pushScope, type RepositoryContext } from '../repository-context.ts';
import { readSession, type UploadSession } from './upload-session.ts';

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
  context: RepositoryContext,
  target: Descriptor,
  from: string,
  call: CallOptions = {},
): Promise<MountOutcome> {
  parseDigest(target.digest);
  const query = `mount=${encodeURIComponent(target.digest)}&from=${encodeURIComponent(from)}`;
  const response = await context.http.exchange(
    {
      method: 'POST',
      target: `/v2/${context.path}/blobs/uploads/?${query}`,
      scope: [...pushScope(context), { repository: from, actions: ['pull'] }],
      expected: REFUSALS,
      ...call,
    },
    MAX_SHORT_ANSWER,
  );
  if (response.status >= 300) return 'refused';
  return response.status === 201 ? 'mounted' : readSession('POST', response);
}
