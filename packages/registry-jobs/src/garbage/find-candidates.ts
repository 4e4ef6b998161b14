import { type OutputTag, parseOutputTag } from '@soci/filter';
import { isImageIndex, type ListedImage } from '@soci/oci';
import { DEFAULT_GARBAGE_AGE, type GarbagePolicy, type GarbageReason, type KeptReason } from './garbage-plan.ts';
import type { ManifestFacts } from './manifest-facts.ts';
import type { ManifestRelations } from './manifest-relations.ts';
import type { RepositoryState } from './repository-state.ts';

/** What can be garbage, unless something that is kept needs it. */
export interface Candidates {
  readonly garbage: Map<string, GarbageReason>;
  /** Manifests that are garbage only together with the images that list them, or that they refer to. */
  readonly parts: Map<string, GarbageReason>;
  readonly kept: Map<string, KeptReason>;
}

/** Decides from each manifest, its tags and its source whether it can be garbage. */
export function findCandidates(
  state: RepositoryState,
  relations: ManifestRelations,
  policy: GarbagePolicy,
): Candidates {
  const finder = new CandidateFinder(state, relations, policy);
  for (const image of state.images.values()) finder.classify(image);
  return finder.candidates;
}

/** Tag of a list of referrers. @see OCI distribution-spec v1.1, "Referrers Tag Schema" */
const REFERRERS_TAG = /^sha256-([0-9a-f]{64})$/;

class CandidateFinder {
  readonly candidates: Candidates = { garbage: new Map(), parts: new Map(), kept: new Map() };
  readonly #state: RepositoryState;
  readonly #relations: ManifestRelations;
  readonly #policy: GarbagePolicy;
  readonly #outputTags: readonly OutputTag[];
  readonly #oldest: number;
  readonly #canBeCopies: boolean;

  constructor(state: RepositoryState, relations: ManifestRelations, policy: GarbagePolicy) {
    this.#state = state;
    this.#relations = relations;
    this.#policy = policy;
    this.#outputTags = policy.outputTags ?? [parseOutputTag('{tag}-soci'), parseOutputTag('soci-{digest12}')];
    this.#oldest = (policy.now ?? Date.now()) - (policy.olderThan ?? DEFAULT_GARBAGE_AGE);
    this.#canBeCopies = policy.keepCopies === true && !hasSources(state);
  }

  classify(image: ListedImage): void {
    const { kept, parts, garbage } = this.candidates;
    const { digest } = image;
    const facts = this.#state.facts.get(digest);
    if (facts === undefined) {
      if (image.archived === true && this.#looksLikeGarbage(image)) kept.set(digest, 'archived');
      return;
    }
    if (facts.kind === 'converted' || facts.kind === 'soci-index-v2') {
      if (image.tags.length > 0) return;
      if (this.#relations.parents(digest).length > 0) parts.set(digest, 'part');
      else this.#decide(image, facts, 'no-root', parts);
      return;
    }
    const reason = this.#rootReason(image, facts);
    if (reason === undefined) return;
    if (reason === 'source-exists' || reason === 'stale' || reason === 'possible-copy') kept.set(digest, reason);
    else this.#decide(image, facts, reason, reason === 'part' ? parts : garbage);
  }

  /** Applies the conditions that are the same for all kinds of garbage. */
  #decide(image: ListedImage, facts: ManifestFacts, reason: GarbageReason, into: Map<string, GarbageReason>): void {
    const { digest, tags, pushedAt } = image;
    const { ownParts, includeUnmarked, olderThan } = this.#policy;
    const { kept } = this.candidates;
    const isOwnPart = ownParts?.has(digest) === true;
    const isMarked = isOwnPart || facts.source !== undefined || facts.referrersAreMarked === true;
    // Images have an age of their own: one in `ownParts` can have been pushed again.
    const isFollowing = isOwnPart && facts.kind !== 'soci-image' && facts.kind !== 'index';
    const isOld = isFollowing || olderThan === 0 || (pushedAt !== undefined && pushedAt <= this.#oldest);
    if (image.archived === true) kept.set(digest, 'archived');
    else if (!isMarked && includeUnmarked !== true) kept.set(digest, 'unmarked');
    else if (!this.#hasOnlyOwnTags(tags, facts)) kept.set(digest, 'other-tag');
    else if (!isOld) kept.set(digest, pushedAt === undefined ? 'age-unknown' : 'too-new');
    else into.set(digest, reason);
  }

  /** Returns why a SOCI-enabled image, a SOCI index of version 1 or a list of them is garbage, if nothing needs it. */
  #rootReason(
    image: ListedImage,
    facts: ManifestFacts,
  ): GarbageReason | 'source-exists' | 'stale' | 'possible-copy' | undefined {
    const { images } = this.#state;
    const { kind, source, subject, referrersAreMarked } = facts;
    if (kind === 'soci-image') {
      if (source === undefined) return this.#unmarkedReason(image);
      const original = images.get(source);
      if (original === undefined) {
        if (image.tags.some((tag) => this.#expectedTags.has(tag))) return 'stale';
        return this.#canBeCopies ? 'possible-copy' : 'source-gone';
      }
      if (image.tags.length > 0) return undefined;
      if (original.tags.length === 0) return 'tag-moved';
      return this.#relations.taggedSources.has(source) ? 'replaced' : 'source-exists';
    }
    if (kind === 'soci-index-v1' && subject !== undefined) {
      if (!images.has(subject)) return 'subject-gone';
      // If the subject is a SOCI-enabled image, the index follows it.
      return this.#state.facts.get(subject)?.kind === 'soci-image' ? 'part' : undefined;
    }
    if (kind === 'index' && referrersAreMarked !== undefined && image.tags.length > 0) {
      const subjects = image.tags.map(referrersSubject);
      return subjects.every((each) => each !== undefined && !images.has(each)) ? 'subject-gone' : undefined;
    }
    return undefined;
  }

  /** Without provenance annotations, only the tags say which image a SOCI-enabled image belongs to. */
  #unmarkedReason({ tags }: ListedImage): GarbageReason | 'possible-copy' | undefined {
    if (tags.length === 0) return 'untagged';
    if (tags.some((tag) => this.#expectedTags.has(tag))) return undefined;
    return this.#canBeCopies ? 'possible-copy' : 'source-gone';
  }

  #hasOnlyOwnTags(tags: readonly string[], { kind }: ManifestFacts): boolean {
    if (kind === 'index') return true;
    return tags.every((tag) => kind === 'soci-image' && this.#isOutput(tag));
  }

  /** Returns whether an archived image, whose manifest cannot be read, has the tags of garbage. */
  #looksLikeGarbage({ tags, mediaType }: ListedImage): boolean {
    if (tags.length === 0 || (mediaType !== undefined && !isImageIndex(mediaType))) return false;
    return tags.every((tag) => this.#isOutput(tag) && !this.#expectedTags.has(tag));
  }

  #isOutput(tag: string): boolean {
    return this.#outputTags.some(({ isOutput }) => isOutput(tag));
  }

  #expected: ReadonlySet<string> | undefined;

  /** The output tags of all images that exist. */
  get #expectedTags(): ReadonlySet<string> {
    const images = [...this.#state.images.values()];
    this.#expected ??= new Set(
      this.#outputTags.flatMap(({ format }) =>
        images.flatMap(({ digest, tags }) =>
          [undefined, ...tags].map((tag) => format({ digest, ...(tag && { tag }) }) ?? ''),
        ),
      ),
    );
    return this.#expected;
  }
}

/**
 * Returns whether a SOCI-enabled image of the repository has its source image there. In a repository that only receives copies of
 * SOCI-enabled images, none has.
 */
export function hasSources({ facts, images }: RepositoryState): boolean {
  return [...facts.values()].some(
    ({ kind, source }) => kind === 'soci-image' && source !== undefined && images.has(source),
  );
}

/** Returns the subject that a tag of a list of referrers names. */
function referrersSubject(tag: string): string | undefined {
  const hex = REFERRERS_TAG.exec(tag)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}
