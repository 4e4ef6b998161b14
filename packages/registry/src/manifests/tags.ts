import { type CallOptions, isTag } from '@soci/oci';
import { invalidAnswer, readJsonAnswer } from '../client/answer.ts';
import type { RepositoryContext } from '../repository-context.ts';
import { readPages } from './pages.ts';

/** As many as Amazon ECR gives at a time. */
const PAGE_LENGTH = 1_000;

/**
 * Every tag of the repository, in the registry's order.
 *
 * @throws OciError `NOT_FOUND` where there is no such repository; RegistryError
 * @see OCI distribution-spec v1.1, "Listing Tags"
 */
export async function* listTags(
  context: RepositoryContext,
  options: CallOptions = {},
): AsyncGenerator<string, void, undefined> {
  const target = `/v2/${context.path}/tags/list?n=${PAGE_LENGTH}`;
  for await (const page of readPages(context, { target, accept: 'application/json', ...options })) {
    // A repository without tags may have null in their place.
    const tags = readJsonAnswer(page).tags ?? [];
    if (!Array.isArray(tags)) throw invalidAnswer('GET', page, 'has no list of tags');
    for (const tag of tags) {
      if (typeof tag === 'string' && isTag(tag)) yield tag;
      else throw invalidAnswer('GET', page, 'lists a tag that is none');
    }
  }
}
