import { MEDIA_TYPE_OCI_IMAGE_INDEX } from '@soci/oci';
import type { IncomingRequest } from '../http/incoming-request.ts';
import { type Reply, RequestError, replyJson } from '../http/reply.ts';
import { compareTags } from '../store/repository.ts';
import { checkDigest } from './blobs.ts';
import { type Call, existingRepository, locate, type Registry } from './registry.ts';

/** `GET` of a page of repositories. @see distribution, docs/spec/api.md, "Listing Repositories" */
export async function listRepositories(registry: Registry, incoming: IncomingRequest): Promise<Reply> {
  const last = incoming.query.get('last') ?? '';
  const remaining = registry.store.repositories().flatMap(({ name }) => (name > last ? name : []));
  const path = `${registry.settings.absoluteLocations ? incoming.origin : ''}/v2/_catalog`;
  const { items: repositories, link } = pageOf({ registry, incoming }, remaining, path, (name) => ({ last: name }));
  return replyJson(200, { repositories }, link);
}

/** `GET` of a page of tags. @see OCI distribution-spec v1.1, "Listing Tags" */
export async function listTags(call: Call): Promise<Reply> {
  const { incoming, name } = call;
  const all = existingRepository(call).tags();
  const last = incoming.query.get('last');
  const remaining = last === null ? all : all.filter((tag) => compareTags(tag, last) > 0);
  const { items: tags, link } = pageOf(call, remaining, locate(call, 'tags/list'), (tag) => ({ last: tag }));
  return replyJson(200, { name, tags }, link);
}

/** `GET` of a page of referrers. @see OCI distribution-spec v1.1, "Listing Referrers" */
export async function listReferrers(call: Call): Promise<Reply> {
  const { registry, incoming } = call;
  if (!registry.settings.referrers) throw new RequestError(404, 'UNSUPPORTED', 'the referrers API is disabled');
  const subject = checkDigest(call.reference);
  const artifactTypeFilter = incoming.query.get('artifactType');
  // A registry with this API never responds with 404, except ECR if the repository does not exist.
  const repository = registry.settings.ecr ? existingRepository(call) : registry.store.repository(call.name);
  const all = repository?.referrers(subject) ?? [];
  const matching =
    artifactTypeFilter === null ? all : all.filter(({ artifactType }) => artifactType === artifactTypeFilter);
  const last = incoming.query.get('last');
  const remaining = last === null ? matching : matching.slice(matching.findIndex(({ digest }) => digest === last) + 1);
  const { items: manifests, link } = pageOf(call, remaining, locate(call, `referrers/${subject}`), ({ digest }) => ({
    ...(artifactTypeFilter !== null && { artifactType: artifactTypeFilter }),
    last: digest,
  }));
  return replyJson(
    200,
    { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests },
    {
      'content-type': MEDIA_TYPE_OCI_IMAGE_INDEX,
      ...(artifactTypeFilter !== null && { 'oci-filters-applied': 'artifactType' }),
      ...link,
    },
  );
}

/**
 * Returns the next page of the remaining items, and a `Link` header if more pages follow.
 *
 * @param path - Path or URL of the list.
 * @param queryAfter - Returns the query for the items after a given one.
 * @throws RequestError 400 if `n` is not a number
 * @see RFC 5988; OCI distribution-spec v1.1, "Content Discovery"
 */
function pageOf<T>(
  { registry, incoming }: Pick<Call, 'incoming' | 'registry'>,
  remaining: readonly T[],
  path: string,
  queryAfter: (last: T) => Readonly<Record<string, string>>,
): { readonly items: readonly T[]; readonly link: Readonly<Record<string, string>> } {
  const { pageSize } = registry.settings;
  const text = incoming.query.get('n') ?? String(pageSize);
  if (!/^\d{1,9}$/.test(text)) throw new RequestError(400, 'PAGINATION_NUMBER_INVALID', `n is not a number: ${text}`);
  const n = Math.min(Number(text), pageSize);
  const items = remaining.slice(0, n);
  const last = items.at(-1);
  if (last === undefined || remaining.length <= n) return { items, link: {} };
  const query = new URLSearchParams({ n: String(n), ...queryAfter(last) });
  return { items, link: { link: `<${path}?${query}>; rel="next"` } };
}
