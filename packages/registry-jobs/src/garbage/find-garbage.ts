import { type CallOptions, isDigest, type RegistryCatalog } from '@soci/oci';
import type { GarbagePlan, GarbagePolicy } from './garbage-plan.ts';
import { planGarbage } from './plan-garbage.ts';
import { type KnownFacts, RepositoryReader, type RepositoryState } from './repository-state.ts';

/** Options of {@link findGarbage}. */
export interface FindGarbageOptions extends CallOptions {
  /** What is known of manifests. New manifests are added. Share it between calls, so that each manifest is read once. @default nothing */
  readonly known?: KnownFacts;
}

/**
 * Finds what can be deleted in a repository, see {@link planGarbage}. Deletes nothing.
 *
 * Reads image indexes, SOCI indexes and untagged manifests. If some of them look like garbage, also reads all others,
 * because any manifest can refer to them. A source image that is not listed is requested by its digest before its
 * SOCI-enabled image counts as garbage.
 *
 * @throws Errors of the catalog, such as OciError `NOT_FOUND` if the repository does not exist.
 */
export async function findGarbage(
  catalog: RegistryCatalog,
  repository: string,
  policy: GarbagePolicy,
  options: FindGarbageOptions = {},
): Promise<GarbagePlan> {
  const { known = new Map(), ...call } = options;
  const reader = new RepositoryReader(catalog, repository, known, call);
  await reader.readCandidates();
  if (catalog.lists === 'tags') await reader.find(policy.ownParts ?? []);
  // Whether an image has its source is known only after the next step.
  const candidates = planGarbage(reader.state, { ...policy, keepCopies: false });
  if (candidates.items.length === 0) return candidates;
  if (catalog.lists === 'tags') {
    const inUse = [...(policy.inUse?.digests ?? [])];
    const here = inUse.filter(([, repositories]) => repositories.size === 0 || repositories.has(repository));
    await reader.find(here.map(([digest]) => digest));
    await reader.readListed();
  }
  // After the images in use, whose source images can also exist.
  await reader.find(possiblyUnlisted(reader.state, candidates));
  await reader.readRest();
  return planGarbage(reader.state, policy);
}

/**
 * Returns the digests of images that can exist although they are not listed: all source images, and those that must not exist
 * if the candidates are garbage.
 */
function possiblyUnlisted({ facts }: RepositoryState, { items }: GarbagePlan): string[] {
  const sources = [...facts.values()].map(({ source }) => source);
  const others = items.flatMap(({ digest, tags }) => {
    const named = tags.map((tag) => tag.replace('sha256-', 'sha256:')).filter(isDigest);
    return [facts.get(digest)?.subject, ...named];
  });
  return [...sources, ...others].filter((each) => each !== undefined);
}
