import { isImageIndex, type ListedImage } from '@soci/oci';
import { findCandidates, hasSources } from './find-candidates.ts';
import type { GarbageItem, GarbagePlan, GarbagePolicy, GarbageReason, KeptReason } from './garbage-plan.ts';
import type { ManifestFacts } from './manifest-facts.ts';
import { compare, ManifestRelations, orderGarbage } from './manifest-relations.ts';
import type { RepositoryState } from './repository-state.ts';

/**
 * Returns what can be deleted in a repository. Garbage has provenance annotations, or is listed only by garbage that has
 * them. Everything else, such as signatures, stored profiles and images of other tools, is kept, with all that it lists or
 * refers to.
 *
 * The result depends only on the arguments. `state.images` must have all source images that exist: see `findGarbage`.
 */
export function planGarbage(state: RepositoryState, policy: GarbagePolicy): GarbagePlan {
  return new GarbagePlanner(state, policy).plan();
}

class GarbagePlanner {
  readonly #state: RepositoryState;
  readonly #policy: GarbagePolicy;
  readonly #relations: ManifestRelations;
  readonly #garbage: Map<string, GarbageReason>;
  readonly #parts: Map<string, GarbageReason>;
  readonly #kept: Map<string, KeptReason>;

  constructor(state: RepositoryState, policy: GarbagePolicy) {
    this.#state = state;
    this.#policy = policy;
    this.#relations = new ManifestRelations(state);
    const { garbage, parts, kept } = findCandidates(state, this.#relations, policy);
    this.#garbage = garbage;
    this.#parts = parts;
    this.#kept = kept;
  }

  plan(): GarbagePlan {
    const { repository, lists } = this.#state;
    this.#keepWhatIsNeeded();
    const order = orderGarbage(this.#garbage.keys(), (digest) => this.#earlier(digest));
    const kept = [...this.#kept]
      .filter(([digest, reason]) => this.#isReported(digest, reason))
      .map(([digest, reason]) => ({ ...this.#identify(digest), reason }));
    return {
      repository,
      items: order.map((digest) => this.#describe(digest)),
      kept: kept.toSorted((a, b) => compare(a.digest, b.digest)),
      hasSources: hasSources(this.#state),
      isPartial: lists === 'tags',
    };
  }

  /** Removes from the garbage what an image in use, or a manifest that is kept, needs. */
  #keepWhatIsNeeded(): void {
    const { images, facts } = this.#state;
    const pending: string[] = [];
    const needed = new Set<string>();
    const keep = (digest: string, reason: KeptReason) => {
      if (needed.has(digest)) return;
      needed.add(digest);
      pending.push(digest);
      if (this.#garbage.delete(digest) || this.#parts.delete(digest)) this.#kept.set(digest, reason);
    };
    for (const image of images.values()) {
      // What an archived manifest refers to is unknown. It can be restored.
      const reason = this.#isInUse(image) ? 'in-use' : image.archived === true ? 'archived' : undefined;
      if (reason !== undefined) for (const each of this.#relations.withRoots(image.digest)) keep(each, reason);
    }
    if ([...images.values()].some((image) => this.#isUnreadableIndex(image))) {
      for (const digest of [...this.#parts.keys()]) keep(digest, 'unreadable-index');
    }
    for (const digest of images.keys()) {
      if (!this.#garbage.has(digest) && !this.#parts.has(digest)) keep(digest, 'listed');
    }
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { lists = [], sociIndex, subject = images.get(next)?.subject } = facts.get(next) ?? {};
      const reason = this.#kept.get(next) === 'in-use' ? 'in-use' : 'listed';
      for (const digest of lists) keep(digest, reason);
      if (sociIndex !== undefined) keep(sociIndex, reason);
      if (subject !== undefined) keep(subject, 'has-referrers');
    }
    // Parts follow the images that list them, and SOCI indexes of version 1 follow their subject.
    for (const [digest, reason] of this.#parts) {
      const { kind, subject } = facts.get(digest) as ManifestFacts;
      if (kind !== 'soci-index-v1') this.#garbage.set(digest, reason);
      else if (subject !== undefined && this.#garbage.has(subject)) this.#garbage.set(digest, 'subject-gone');
    }
    for (const digest of this.#garbage.keys()) this.#kept.delete(digest);
  }

  #isInUse({ digest, tags }: ListedImage): boolean {
    const { inUse } = this.#policy;
    if (inUse === undefined) return false;
    const config = this.#state.facts.get(digest)?.config;
    return (
      inUse.digests.has(digest) ||
      (config !== undefined && inUse.digests.has(config)) ||
      tags.some((tag) => inUse.tags.has(`${this.#state.repository}:${tag}`))
    );
  }

  /** Returns whether a manifest can list others, but cannot be read: it is archived, invalid, or has just been deleted. */
  #isUnreadableIndex({ digest, mediaType }: ListedImage): boolean {
    if (mediaType !== undefined && !isImageIndex(mediaType)) return false;
    const facts = this.#state.facts.get(digest);
    return facts === undefined || facts.isUnreadable === true;
  }

  /** Parts of images that are kept are not reported. */
  #isReported(digest: string, reason: KeptReason): boolean {
    const isFollowing = reason !== 'unmarked' && reason !== 'too-new' && reason !== 'age-unknown';
    const kind = this.#state.facts.get(digest)?.kind;
    if (!isFollowing || (kind !== 'converted' && kind !== 'soci-index-v2')) return true;
    const parents = this.#relations.parents(digest);
    return parents.length === 0 || parents.some((parent) => this.#garbage.has(parent));
  }

  #earlier(digest: string): readonly string[] {
    const earlier = this.#relations.deletedBefore(digest);
    return earlier.filter((each) => this.#garbage.has(each)).toSorted(compare);
  }

  #describe(digest: string): GarbageItem {
    const { pushedAt } = this.#state.images.get(digest) as ListedImage;
    const source = this.#state.facts.get(digest)?.source;
    return {
      ...this.#identify(digest),
      reason: this.#garbage.get(digest) as GarbageReason,
      after: this.#earlier(digest),
      ...(source !== undefined && { source }),
      ...(pushedAt !== undefined && { pushedAt }),
    };
  }

  #identify(digest: string) {
    const { tags } = this.#state.images.get(digest) as ListedImage;
    return { digest, tags: tags.toSorted(compare), kind: this.#state.facts.get(digest)?.kind ?? ('other' as const) };
  }
}
