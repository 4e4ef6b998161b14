import { MEDIA_TYPE_OCI_IMAGE_INDEX } from '@soci/oci';
import { Refusal, type Reply, replyJson } from '../http/reply.ts';
import { compareTags } from '../store/registry-store.ts';
import { checkDigest } from './blobs.ts';
import { type Call, existingRepository, locate } from './registry.ts';

/** `GET` of the tags, a page at a time. @see OCI distribution-spec v1.1, "Listing Tags" */
export async function listTags(call: Call): Promise<Reply> {
  const { incoming, name } = call;
  const all = existingRepository(call).tags();
  const last = incoming.query.get('last');
  const left = last === null ? all : all.filter((tag) => compareTags(tag, last) > 0);
  const { items: tags, link } = pageOf(call, left, 'tags/list', (tag) => ({ last: tag }));
  return replyJson(200, { name, tags }, link);
}

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
  const { items: manifests, link } = pageOf(call, left, `referrers/${subject}`, ({ digest }) => ({
    ...(wanted !== null && { artifactType: wanted }),
    last: digest,
  }));
  return replyJson(
    200,
    { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests },
    {
      'content-type': MEDIA_TYPE_OCI_IMAGE_INDEX,
      ...(wanted !== null && { 'oci-filters-applied': 'artifactType' }),
      ...link,
    },
  );
}

/**
 * The first items that are left, as many as the query's `n` or a page holds, and the `Link` to the next page if there is one.
 *
 * @param queryAfter - What asks for the items after the given one.
 * @throws Refusal 400 if `n` is not a number.
 * @see RFC 5988; OCI distribution-spec v1.1, "Content Discovery"
 */
function pageOf<T>(
  call: Call,
  left: readonly T[],
  path: string,
  queryAfter: (last: T) => Readonly<Record<string, string>>,
): { readonly items: readonly T[]; readonly link: Readonly<Record<string, string>> } {
  const { pageSize } = call.registry.settings;
  const text = call.incoming.query.get('n') ?? String(pageSize);
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(400, 'PAGINATION_NUMBER_INVALID', `n is no count: ${text}`);
  const n = Math.min(Number(text), pageSize);
  const items = left.slice(0, n);
  const last = items.at(-1);
  if (last === undefined || left.length <= n) return { items, link: {} };
  const query = new URLSearchParams({ n: String(n), ...queryAfter(last) });
  return { items, link: { link: `<${locate(call, path)}?${query}>; rel="next"` } };
}
