import { type CallOptions, type Descriptor, parseDigest } from '@soci/oci';
import { MAX_SHORT_ANSWER } from '../answer.ts';
import { hasSize } from '../manifests/manifests.ts';
import { pullScope, type RepositoryContext } from '../repository-context.ts';

/** Path of a blob. @throws OciError `DIGEST_INVALID`: a digest becomes part of a URL. */
export function blobPath({ path }: RepositoryContext, digest: string): string {
  parseDigest(digest);
  return `/v2/${path}/blobs/${digest}`;
}

/** Whether the repository holds a blob of that digest and size. */
export async function probeBlob(
  context: RepositoryContext,
  target: Descriptor,
  call: CallOptions = {},
): Promise<boolean> {
  const response = await context.http.exchange(
    {
      method: 'HEAD',
      target: blobPath(context, target.digest),
      scope: pullScope(context),
      expected: [404],
      ...call,
    },
    MAX_SHORT_ANSWER,
  );
  return response.status !== 404 && hasSize(response, target.size);
}
