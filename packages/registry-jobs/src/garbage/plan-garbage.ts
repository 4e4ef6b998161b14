import { type OutputTag, parseOutputTag } from '@soci/filter';
import { isImageIndex, type ListedImage } from '@soci/oci';
import type { ImagesInUse } from './images-in-use.ts';
import type { ManifestFacts, ManifestKind } from './manifest-facts.ts';
import type { RepositoryState } from './repository-state.ts';

/**
 * Why a manifest is garbage:
 *
 * - `source-gone`: a SOCI-enabled image whose source image is not in the repository.
 * - `tag-moved`: an untagged SOCI-enabled image whose source image has lost its tag.
 * - `replaced`: an untagged SOCI-enabled image. A newer one of the same source image has a tag.
 * - `untagged`: an untagged SOCI-enabled image of another tool. Only with `includeUnmarked`.
 * - `subject-gone`: a SOCI index of version 1, or a list of them, whose image is not in the repository, or is garbage.
 * - `part`: a manifest that only garbage lists.
 * - `no-root`: a part that no image lists. Only with `includeUnmarked`.
 */
export type GarbageReason = 'source-gone' | 'tag-moved' | 'replaced' | 'untagged' | 'subject-gone' | 'part' | 'no-root';

/**
 * Why a manifest is kept although it looks like garbage:
 *
 * - `in-use`: it, a manifest that it lists, or an image that lists it is in use.
 * - `archived`: Amazon ECR has archived it, or a manifest that it lists. Archived images are only reported.
 * - `too-new`: it was pushed less than `olderThan` ago.
 * - `age-unknown`: the registry does not report when it was pushed.
 * - `unmarked`: it has no provenance annotations, so another tool can have created it.
 * - `other-tag`: it has a tag that is not an output tag.
 * - `source-exists`: it is untagged, but its source image has a tag. It can be an image without an output tag.
 * - `stale`: its source image is gone, but the image that its tag belongs to exists. Index that image again.
 * - `listed`: another image lists it.
 * - `has-referrers`: another manifest refers to it, such as a signature.
 * - `unreadable-index`: the repository has an image index that cannot be read, and that can list it.
 */
export type KeptReason =
  | 'in-use'
  | 'archived'
  | 'too-new'
  | 'age-unknown'
  | 'unmarked'
  | 'other-tag'
  | 'source-exists'
  | 'stale'
  | 'listed'
  | 'has-referrers'
  | 'unreadable-index';

/** A manifest that can be deleted. */
export interface GarbageItem {
  readonly digest: string;
  /** Its tags, which are deleted with it. */
  readonly tags: readonly string[];
  readonly kind: ManifestKind;
  readonly reason: GarbageReason;
  /** Digests of the garbage that lists or names it, or that it refers to. They are deleted first. */
  readonly after: readonly string[];
  /** Source image, if the provenance annotations name one. */
  readonly source?: string;
  /** In milliseconds since 1970, if the registry reports it. */
  readonly pushedAt?: number;
}

/** A manifest that looks like garbage and is kept. */
export interface KeptItem {
  readonly digest: string;
  readonly tags: readonly string[];
  readonly kind: ManifestKind;
  readonly reason: KeptReason;
}

/** What can be deleted in a repository. */
export interface GarbagePlan {
  readonly repository: string;
  /** In the order of deletion: images before the manifests that they list. */
  readonly items: readonly GarbageItem[];
  /** Manifests that look like garbage and are kept, with the reason. */
  readonly kept: readonly KeptItem[];
  /** Whether untagged manifests were invisible, because the registry lists only tags. */
  readonly isPartial: boolean;
}

/** Default minimum age of garbage: 30 days in milliseconds, so that recent deployments can be rolled back. */
export const DEFAULT_GARBAGE_AGE = 30 * 24 * 3600 * 1000;

/** Settings of {@link planGarbage}. */
export interface GarbagePolicy {
  /** Images that are kept, with what they list and what lists them. @default unknown: none are kept for this reason */
  readonly inUse?: ImagesInUse;
  /** Minimum time since the push, in milliseconds. If it is above 0, a manifest of unknown age is kept. @default 30 days */
  readonly olderThan?: number;
  /** Whether to include SOCI-enabled images and parts without provenance annotations. @default false */
  readonly includeUnmarked?: boolean;
  /** Tags that SOCI-enabled images get. An image with any other tag is kept. @default `{tag}-soci` and `soci-{digest12}` */
  readonly outputTags?: readonly OutputTag[];
  /**
   * Digests of parts of an image with provenance annotations that has been deleted, for example from an undo log. They need no
   * annotations and no minimum age. @default none
   */
  readonly ownParts?: ReadonlySet<string>;
  /** Current time in milliseconds since 1970. @default now */
  readonly now?: number;
}

/** Tag of a list of referrers. @see OCI distribution-spec v1.1, "Referrers Tag Schema" */
const REFERRERS_TAG = /^sha256-([0-9a-f]{64})$/;

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
  readonly #outputTags: readonly OutputTag[];
  readonly #oldest: number;
  /** Image indexes that list a manifest, by its digest. */
  readonly #parents = new Map<string, string[]>();
  /** Converted manifests that name a SOCI index, by its digest. */
  readonly #converted = new Map<string, string[]>();
  /** Source images of SOCI-enabled images that have a tag. */
  readonly #taggedSources = new Set<string>();
  readonly #garbage = new Map<string, GarbageReason>();
  /** Parts that are garbage unless something that is kept needs them. */
  readonly #parts = new Map<string, GarbageReason>();
  readonly #kept = new Map<string, KeptReason>();

  constructor(state: RepositoryState, policy: GarbagePolicy) {
    this.#state = state;
    this.#policy = policy;
    this.#outputTags = policy.outputTags ?? [parseOutputTag('{tag}-soci'), parseOutputTag('soci-{digest12}')];
    this.#oldest = (policy.now ?? Date.now()) - (policy.olderThan ?? DEFAULT_GARBAGE_AGE);
    for (const [digest, { lists, source, kind, sociIndex }] of state.facts) {
      if (sociIndex !== undefined) append(this.#converted, sociIndex, digest);
      for (const listed of lists) append(this.#parents, listed, digest);
      const isTagged = (state.images.get(digest)?.tags.length ?? 0) > 0;
      if (kind === 'soci-image' && source !== undefined && isTagged) this.#taggedSources.add(source);
    }
  }

  plan(): GarbagePlan {
    const { images, repository, lists } = this.#state;
    for (const image of images.values()) this.#classify(image);
    this.#keepWhatIsNeeded();
    const items = this.#order().map((digest) => this.#describe(digest));
    const kept = [...this.#kept]
      .filter(([digest, reason]) => this.#isReported(digest, reason))
      .map(([digest, reason]) => ({ ...this.#identify(digest), reason }));
    return {
      repository,
      items,
      kept: kept.toSorted((a, b) => compare(a.digest, b.digest)),
      isPartial: lists === 'tags',
    };
  }

  /** Decides from the manifest alone whether it can be garbage. */
  #classify(image: ListedImage): void {
    const { digest } = image;
    const facts = this.#state.facts.get(digest);
    if (facts === undefined) {
      if (image.archived === true && this.#looksLikeGarbage(image)) this.#kept.set(digest, 'archived');
      return;
    }
    const isListed = this.#parents.has(digest);
    if (facts.kind === 'converted' || facts.kind === 'soci-index-v2') {
      if (image.tags.length > 0) return;
      if (isListed) this.#parts.set(digest, 'part');
      else this.#decide(image, facts, 'no-root', this.#parts);
      return;
    }
    const reason = this.#rootReason(image, facts);
    if (reason === undefined) return;
    if (reason === 'source-exists' || reason === 'stale') this.#kept.set(digest, reason);
    else this.#decide(image, facts, reason, reason === 'part' ? this.#parts : this.#garbage);
  }

  /** Applies the conditions that are the same for all kinds of garbage. */
  #decide(image: ListedImage, facts: ManifestFacts, reason: GarbageReason, into: Map<string, GarbageReason>): void {
    const { digest, tags, pushedAt } = image;
    const { ownParts, includeUnmarked, olderThan } = this.#policy;
    const isOwnPart = ownParts?.has(digest) === true;
    const isMarked = isOwnPart || facts.source !== undefined || facts.referrersAreMarked === true;
    // Images have an age of their own: one in `ownParts` can have been pushed again.
    const isFollowing = isOwnPart && facts.kind !== 'soci-image' && facts.kind !== 'index';
    const isOld = isFollowing || olderThan === 0 || (pushedAt !== undefined && pushedAt <= this.#oldest);
    if (image.archived === true) this.#kept.set(digest, 'archived');
    else if (!isMarked && includeUnmarked !== true) this.#kept.set(digest, 'unmarked');
    else if (!this.#hasOnlyOwnTags(tags, facts)) this.#kept.set(digest, 'other-tag');
    else if (!isOld) this.#kept.set(digest, pushedAt === undefined ? 'age-unknown' : 'too-new');
    else into.set(digest, reason);
  }

  /** Returns why a SOCI-enabled image, a SOCI index of version 1 or a list of them is garbage, if nothing needs it. */
  #rootReason(image: ListedImage, facts: ManifestFacts): GarbageReason | 'source-exists' | 'stale' | undefined {
    const { images } = this.#state;
    const { kind, source, subject, referrersAreMarked } = facts;
    if (kind === 'soci-image') {
      if (source === undefined) return this.#unmarkedReason(image);
      const original = images.get(source);
      if (original === undefined) {
        return image.tags.some((tag) => this.#expectedTags.has(tag)) ? 'stale' : 'source-gone';
      }
      if (image.tags.length > 0) return undefined;
      if (original.tags.length === 0) return 'tag-moved';
      return this.#taggedSources.has(source) ? 'replaced' : 'source-exists';
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
  #unmarkedReason({ tags }: ListedImage): GarbageReason | undefined {
    if (tags.length === 0) return 'untagged';
    return tags.some((tag) => this.#expectedTags.has(tag)) ? undefined : 'source-gone';
  }

  #hasOnlyOwnTags(tags: readonly string[], { kind }: ManifestFacts): boolean {
    if (kind === 'index') return true;
    return tags.every((tag) => kind === 'soci-image' && this.#outputTags.some(({ isOutput }) => isOutput(tag)));
  }

  /** Returns whether an archived image, whose manifest cannot be read, has the tags of garbage. */
  #looksLikeGarbage({ tags, mediaType }: ListedImage): boolean {
    if (tags.length === 0 || (mediaType !== undefined && !isImageIndex(mediaType))) return false;
    const isOutput = (tag: string) => this.#outputTags.some((each) => each.isOutput(tag));
    return tags.every((tag) => isOutput(tag) && !this.#expectedTags.has(tag));
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
      if (this.#isInUse(image)) this.#keepWithRoots(image.digest, 'in-use', keep);
      // What an archived manifest refers to is unknown. It can be restored.
      else if (image.archived === true) this.#keepWithRoots(image.digest, 'archived', keep);
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

  /** Keeps a manifest and all images that list it. */
  #keepWithRoots(digest: string, reason: KeptReason, keep: (digest: string, reason: KeptReason) => void): void {
    const pending = [digest];
    const seen = new Set(pending);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      keep(next, reason);
      for (const parent of this.#parents.get(next) ?? []) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        pending.push(parent);
      }
    }
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
    return this.#parents.get(digest)?.some((parent) => this.#garbage.has(parent)) ?? true;
  }

  /** Returns the garbage level by level, sorted by digest: each manifest after the garbage that lists it or that it refers to. */
  #order(): string[] {
    const ordered: string[] = [];
    const waiting = new Map([...this.#garbage.keys()].map((digest) => [digest, this.#earlier(digest).length]));
    const later = new Map<string, string[]>();
    for (const digest of waiting.keys()) {
      for (const earlier of this.#earlier(digest)) append(later, earlier, digest);
    }
    let level = [...waiting.keys()].filter((digest) => waiting.get(digest) === 0);
    while (level.length > 0) {
      ordered.push(...level.sort(compare));
      level = level.flatMap((digest) =>
        (later.get(digest) ?? []).filter((each) => {
          const count = (waiting.get(each) ?? 0) - 1;
          waiting.set(each, count);
          return count === 0;
        }),
      );
    }
    return ordered;
  }

  #earlier(digest: string): string[] {
    const subject = this.#state.facts.get(digest)?.subject;
    const needing = [...(this.#parents.get(digest) ?? []), ...(this.#converted.get(digest) ?? [])];
    const related = subject === undefined ? needing : [...needing, subject];
    return [...new Set(related)].filter((each) => this.#garbage.has(each)).toSorted(compare);
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

/** Returns the subject that a tag of a list of referrers names. */
function referrersSubject(tag: string): string | undefined {
  const hex = REFERRERS_TAG.exec(tag)?.[1];
  return hex === undefined ? undefined : `sha256:${hex}`;
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
