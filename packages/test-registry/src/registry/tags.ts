import { type Reply, replyJson } from '../http/reply.ts';
import { compareTags } from '../store/repository.ts';
import { nextLink, pageSize } from './pages.ts';
import { type Call, existingRepository } from './registry.ts';

/** `GET` of the tags, a page at a time. @see OCI distribution-spec v1.1, "Listing Tags" */
export async function listTags(call: Call): Promise<Reply> {
  const { incoming, registry, name } = call;
  const all = existingRepository(call).tags();
  const last = incoming.query.get('last');
  const left = last === null ? all : all.filter((tag) => compareTags(tag, last) > 0);
  const n = pageSize(call, registry.settings.pageSize);
  const tags = left.slice(0, n);
  const isMore = n > 0 && left.length > n;
  const link = isMore ? nextLink(call, 'tags/list', { n: String(n), last: tags.at(-1) ?? '' }) : {};
  return replyJson(200, { name, tags }, link);
}
