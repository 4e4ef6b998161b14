import type { OutputTag } from '@soci/filter';
import type { ImagesInUse } from './images-in-use.ts';
import type { ManifestKind } from './manifest-facts.ts';

/**
 * Why a manifest is garbage:
 *
 * - `source-gone`: a SOCI-enabled image whose source image was deleted from the repository.
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
 * - `possible-copy`: no SOCI-enabled image of the repository has its source image there, so it can be a copy. Only with
 *   `keepCopies`.
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
  | 'possible-copy'
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
  /**
   * Whether a SOCI-enabled image of the repository has its source image there. If none has, either all source images were
   * deleted, or all SOCI-enabled images are copies from another repository, whose source images were not copied.
   */
  readonly hasSources: boolean;
  /** Whether untagged manifests were invisible, because the registry lists only tags. */
  readonly isPartial: boolean;
}

/** Default minimum age of garbage: 30 days in milliseconds, so that recent deployments can be rolled back. */
export const DEFAULT_GARBAGE_AGE = 30 * 24 * 3600 * 1000;

/** Settings of `planGarbage`. */
export interface GarbagePolicy {
  /** Images that are kept, with what they list and what lists them. @default unknown: none are kept for this reason */
  readonly inUse?: ImagesInUse;
  /** Minimum time since the push, in milliseconds. If it is above 0, a manifest of unknown age is kept. @default 30 days */
  readonly olderThan?: number;
  /** Whether to include SOCI-enabled images and parts without provenance annotations. @default false */
  readonly includeUnmarked?: boolean;
  /**
   * Whether to keep SOCI-enabled images without a source image in a repository where no SOCI-enabled image has one. They can be
   * copies from another repository: see `hasSources` of a plan. @default false
   */
  readonly keepCopies?: boolean;
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
