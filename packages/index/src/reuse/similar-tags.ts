import type { CallOptions, Descriptor, Resolver, TagLister } from '@soci/oci';
import { PROFILE_TAG } from '../vocabulary.ts';

/** Maximum number of tags to list: one or two pages. */
const MAX_TAGS_LISTED = 2000;

/** Maximum number of tags to resolve. Each costs a request. */
const MAX_SIMILAR_TAGS = 8;

/** Tags of referrers and signatures. @see OCI distribution-spec v1.1, "Referrers Tag Schema"; sigstore/cosign, `.sig` */
const REFERRERS_TAG = /^sha256-[0-9a-f]{64}/;

/**
 * Resolves the 8 tags that are most similar to `name`, out of the first 2,000. Images with similar tags share most layers.
 * Skips the `known` tags, and tags of referrers and profiles.
 *
 * @throws Errors of listing the tags.
 */
export async function findSimilarTags(
  repository: Resolver & TagLister,
  name: string,
  known: readonly string[],
  call: CallOptions,
): Promise<readonly Descriptor[]> {
  const tags = await listTags(repository, call);
  const others = tags.filter((tag) => !known.includes(tag) && tag !== PROFILE_TAG && !REFERRERS_TAG.test(tag));
  const names = sortBySimilarity(name, others).slice(0, MAX_SIMILAR_TAGS);
  // Ignore tags that have been deleted since.
  const found = await Promise.all(names.map((each) => repository.resolve(each, call).catch(() => undefined)));
  return found.filter((descriptor) => descriptor !== undefined);
}

/** Sorts names by the length of their common prefix and suffix with `name`. Of equal scores, the last comes first. */
export function sortBySimilarity(name: string, others: readonly string[]): string[] {
  const scored = others.map((other) => ({ other, score: commonAffixLength(name, other) }));
  // Registries list tags in lexical order, so a later tag is likely to be a newer version.
  return scored
    .reverse()
    .sort((a, b) => b.score - a.score)
    .map(({ other }) => other);
}

/** Returns the number of characters in the common prefix and suffix of two names. */
function commonAffixLength(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return start + end;
}

async function listTags(repository: Resolver & TagLister, call: CallOptions): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of repository.tags(call)) {
    tags.push(tag);
    if (tags.length === MAX_TAGS_LISTED) break;
  }
  return tags;
}
