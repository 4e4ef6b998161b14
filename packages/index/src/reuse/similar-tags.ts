import type { CallOptions, Descriptor, Resolver, TagLister } from '@soci/oci';

/** Tags that are looked at, of those that a repository has: a page or two of a registry's list. */
const MAX_TAGS_LISTED = 2000;

/** Tags of which the image is looked up: one request each. */
const MAX_NEIGHBOURS = 8;

/** Tags of what refers to an image. @see OCI distribution-spec v1.1, "Referrers Tag Schema"; sigstore/cosign, `.sig` */
const REFERRERS_TAG = /^sha256-[0-9a-f]{64}/;

/**
 * Resolves at once the 8 tags of 2,000 that are most like `name`, but for `known` ones and those in the form of a digest:
 * what was built under nearly the same name shares most. @throws What listing the tags throws.
 */
export async function findSimilarTags(
  repository: Resolver & TagLister,
  name: string,
  known: readonly string[],
  call: CallOptions,
): Promise<readonly Descriptor[]> {
  const tags = await listTags(repository, call);
  const others = tags.filter((tag) => !known.includes(tag) && !REFERRERS_TAG.test(tag));
  const names = mostAlike(name, others).slice(0, MAX_NEIGHBOURS);
  // A name that is gone by now helps nobody and hurts nobody.
  const found = await Promise.all(names.map((each) => repository.resolve(each, call).catch(() => undefined)));
  return found.filter((descriptor) => descriptor !== undefined);
}

/** Names by how much they have in common with one, at both ends; the last of equals first. */
export function mostAlike(name: string, others: readonly string[]): string[] {
  const scored = others.map((other) => ({ other, score: commonEnds(name, other) }));
  // Lists are sorted by name, more or less: of versions that are as alike, the later is the newer.
  return scored
    .reverse()
    .sort((a, b) => b.score - a.score)
    .map(({ other }) => other);
}

/** Characters that two names share at their beginnings and at their ends. */
function commonEnds(a: string, b: string): number {
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
