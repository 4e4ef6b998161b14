import { MEDIA_TYPE_SOCI_INDEX_V1, PROFILE_TAG } from '@soci/index';
import { isImageConfig, isImageIndex, isManifestOrIndex, isTag, type ListedImage } from '@soci/oci';
import type { ImagePlan, ImageTag, PlanSkipReason } from './image-plan.ts';
import { type IndexPolicy, type ResolvedPolicy, resolvePolicy } from './policy.ts';
import type { RootFacts, RootFactsByDigest } from './root-facts.ts';

/** A repository as it was listed. */
export interface ListedRepository {
  readonly repository: string;
  readonly images: readonly ListedImage[];
  /** Whether `images` has every manifest, or only those with a tag. */
  readonly lists: 'all' | 'tags';
  /** What the manifests of `selectRoots` say. @default none was read */
  readonly roots?: RootFactsByDigest;
}

/** Tags of signatures and attestations (`sha256-HEX.sig`), and of the list of referrers (`sha256-HEX`). */
const REFERRER_TAG = /^sha256-[0-9a-f]{64}(?:\.[\w.-]+)?$/;

/**
 * Says for each tag of a repository whether its image needs an index. Output tags have no plan of their own. Takes linear
 * time and no requests.
 *
 * Compares only times of the registry's clock with each other: the clock of this machine has no influence. Such a
 * comparison cannot notice that a tag was moved back to an older image; `settingsDigest` in the policy has the provenance
 * compared instead.
 *
 * @returns The newest images first, then by tag. Images of unknown age last.
 * @throws RegistryJobsError `OPTION_INVALID`
 */
export function planRepository(listed: ListedRepository, policy: IndexPolicy = {}): readonly ImagePlan[] {
  const context = openContext(listed, resolvePolicy(policy));
  const plans: ImagePlan[] = [];
  for (const image of listed.images) {
    for (const tag of image.tags) {
      if (!isReserved(tag, context.policy)) plans.push(planTag(image, tag, context));
    }
  }
  return plans.sort(compareAge);
}

/** A repository with what a plan looks up. */
interface PlanContext {
  readonly repository: string;
  readonly policy: ResolvedPolicy;
  readonly lists: 'all' | 'tags';
  readonly roots: RootFactsByDigest;
  /** Images by tag. */
  readonly byTag: ReadonlyMap<string, ListedImage>;
  /** Untagged SOCI-enabled images by the digest of their source. */
  readonly bySource: ReadonlyMap<string, RootFacts>;
  /** Digests that an index of version 1 refers to. */
  readonly subjects: ReadonlySet<string>;
}

function openContext({ repository, images, lists, roots = new Map() }: ListedRepository, policy: ResolvedPolicy) {
  const byTag = new Map<string, ListedImage>();
  const bySource = new Map<string, RootFacts>();
  const subjects = new Set<string>();
  for (const image of images) {
    for (const tag of image.tags) byTag.set(tag, image);
    const facts = roots.get(image.digest);
    if (facts?.sourceDigest !== undefined && facts.sociIndexes.length > 0) bySource.set(facts.sourceDigest, facts);
    if (image.artifactType === MEDIA_TYPE_SOCI_INDEX_V1 && image.subject !== undefined) subjects.add(image.subject);
  }
  return { repository, policy, lists, roots, byTag, bySource, subjects } satisfies PlanContext;
}

/** Reports whether a tag is one of this project: of an index, or of a stored profile. */
function isReserved(tag: string, { version, outputTag }: ResolvedPolicy): boolean {
  return tag === PROFILE_TAG || (version === 2 && outputTag.isOutput(tag));
}

function planTag(image: ListedImage, tag: string, context: PlanContext): ImagePlan {
  const { repository, policy } = context;
  const { digest, size, pushedAt } = image;
  const subject: ImageTag = {
    repository,
    tag,
    digest,
    ...(size !== undefined && { size }),
    ...(pushedAt !== undefined && { pushedAt }),
  };
  const reason = findSkipReason(image, subject, policy);
  if (reason !== undefined) return { ...subject, action: 'skipped', reason };
  return policy.version === 1 ? planVersion1(image, subject, context) : planVersion2(image, subject, context);
}

function findSkipReason(image: ListedImage, subject: ImageTag, policy: ResolvedPolicy): PlanSkipReason | undefined {
  const { filters, newerThan, maxImageSize, version, outputTag } = policy;
  const { repository, tag, digest, size, pushedAt } = subject;
  const name = `${repository}:${tag}`;
  if (!isImage(image) || REFERRER_TAG.test(tag)) return 'not-an-image';
  if (filters !== undefined) {
    if (!filters.include.some((filter) => filter.matches(name))) return 'no-match';
    if (filters.exclude.some((filter) => filter.matches(name))) return 'excluded';
  }
  if (image.archived === true) return 'archived';
  if (newerThan !== undefined && pushedAt !== undefined && pushedAt < newerThan) return 'too-old';
  if (maxImageSize !== undefined && size !== undefined && size > maxImageSize) return 'too-large';
  const output = version === 2 ? outputTag.format({ tag, digest }) : undefined;
  return output !== undefined && !isTag(output) ? 'tag-too-long' : undefined;
}

/** Reports whether a manifest can be an image, by what the listing says of it. */
function isImage({ mediaType, artifactType }: ListedImage): boolean {
  if (mediaType !== undefined && !isManifestOrIndex(mediaType)) return false;
  return artifactType === undefined || isImageConfig(artifactType);
}

function planVersion1(image: ListedImage, subject: ImageTag, { roots, subjects, lists }: PlanContext): ImagePlan {
  // The indexes of an image with several platforms refer to its manifests.
  const manifests = roots.get(image.digest)?.manifests ?? [image.digest];
  if (manifests.some((digest) => subjects.has(digest))) {
    return { ...subject, action: 'current', reason: 'refers-to-image' };
  }
  const isVisible = lists === 'all' && (roots.has(image.digest) || !isImageIndex(image.mediaType ?? ''));
  return { ...subject, action: 'index', reason: isVisible ? 'no-index' : 'not-visible' };
}

function planVersion2(image: ListedImage, subject: ImageTag, context: PlanContext): ImagePlan {
  const { policy, byTag, bySource, subjects, lists, roots } = context;
  const outputTag = policy.outputTag.format({ tag: subject.tag, digest: image.digest });
  const output = outputTag === undefined ? undefined : byTag.get(outputTag);
  const facts = output === undefined ? bySource.get(image.digest) : roots.get(output.digest);
  if (facts?.sourceDigest !== undefined) return compareProvenance(facts, subject, policy);
  if (outputTag === undefined && lists === 'tags') return { ...subject, action: 'index', reason: 'not-visible' };
  if (output === undefined) {
    if (subjects.has(image.digest)) return { ...subject, action: 'stale', reason: 'other-version' };
    return { ...subject, action: 'index', reason: 'no-index' };
  }
  if (policy.readsProvenance || output.pushedAt === undefined || image.pushedAt === undefined) {
    return { ...subject, action: 'stale', reason: 'unmarked' };
  }
  if (output.pushedAt < image.pushedAt) return { ...subject, action: 'stale', reason: 'tag-moved' };
  return { ...subject, action: 'current', reason: 'pushed-later' };
}

function compareProvenance(facts: RootFacts, subject: ImageTag, { settingsDigests }: ResolvedPolicy): ImagePlan {
  if (facts.sourceDigest !== subject.digest) return { ...subject, action: 'stale', reason: 'tag-moved' };
  if (settingsDigests !== undefined && !settingsDigests.includes(facts.settingsDigest ?? '')) {
    return { ...subject, action: 'stale', reason: 'other-settings' };
  }
  return { ...subject, action: 'current', reason: 'same-source' };
}

function compareAge(one: ImageTag, other: ImageTag): number {
  const age = (other.pushedAt ?? -1) - (one.pushedAt ?? -1);
  if (age !== 0) return age;
  return one.tag < other.tag ? -1 : 1;
}
