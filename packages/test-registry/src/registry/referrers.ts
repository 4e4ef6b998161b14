import { MEDIA_TYPE_OCI_IMAGE_INDEX } from '@soci/oci';
import { Refusal } from '../http/refusal.ts';
import { type Reply, replyJson } from '../http/reply.ts';
import { checkDigest } from './blobs.ts';
import { nextLink, pageSize } from './pages.ts';
import { type Call, existingRepository } from './registry.ts';

/** `GET` of the manifests about another. @see OCI distribution-spec v1.1, "Listing Referrers" */
export async function listReferrers(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  if (!registry.settings.referrers) throw new Refusal(404, 'UNSUPPORTED', 'the referrers API is switched off');
  const subject = checkDigest(call.reference);
  const wanted = incoming.query.get('artifactType');
  // A registry that has this API never answers it with 404; ECR does, of a repository that is not there.
  const repository = registry.settings.ecr ? existingRepository(call) : registry.store.repository(call.name);
  const all = repository?.referrers(subject) ?? [];
  const matching = wanted === null ? all : all.filter(({ artifactType }) => artifactType === wanted);
  const last = incoming.query.get('last');
  const left = last === null ? matching : matching.slice(matching.findIndex(({ digest }) => digest === last) + 1);
  const n = pageSize(call, registry.settings.pageSize);
  const manifests = left.slice(0, n);
  const isMore = n > 0 && left.length > n;
  const query = {
    ...(wanted !== null && { artifactType: wanted }),
    n: String(n),
    last: manifests.at(-1)?.digest ?? '',
  };
  return replyJson(
    200,
    { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests },
    {
      'content-type': MEDIA_TYPE_OCI_IMAGE_INDEX,
      ...(wanted !== null && { 'oci-filters-applied': 'artifactType' }),
      ...(isMore && nextLink(call, `referrers/${subject}`, query)),
    },
  );
}
