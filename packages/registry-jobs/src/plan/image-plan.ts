/** What a plan says about the tag of an image. */
export type ImagePlan = PlannedImage | CurrentImage | StaleImage | SkippedImage;

/** The tag of an image. */
export interface ImageTag {
  readonly repository: string;
  readonly tag: string;
  /** Digest that the tag had when the repository was listed. */
  readonly digest: string;
  /** Compressed size in bytes, if the registry reports it. */
  readonly size?: number;
  /** Time of the push in milliseconds since 1970, if the registry reports it. */
  readonly pushedAt?: number;
}

/** The image needs an index. */
export interface PlannedImage extends ImageTag {
  readonly action: 'index';
  /**
   * - `no-index`: it has no index.
   * - `not-visible`: the listing does not show whether it has one. Indexing finds out.
   */
  readonly reason: 'no-index' | 'not-visible';
}

/** The image has a current index. */
export interface CurrentImage extends ImageTag {
  readonly action: 'current';
  /**
   * - `same-source`: the index says that it was made of this image.
   * - `pushed-later`: the output tag was pushed after the image, by the clock of the registry.
   * - `refers-to-image`: an index of version 1 refers to the image.
   */
  readonly reason: 'same-source' | 'pushed-later' | 'refers-to-image';
}

/** The image has an index that must be built again. */
export interface StaleImage extends ImageTag {
  readonly action: 'stale';
  /**
   * - `tag-moved`: the index belongs to an image that had the tag before.
   * - `other-settings`: the index was built with other settings.
   * - `other-version`: the image has only an index of version 1.
   * - `unmarked`: the output tag refers to content without provenance, so that it must be compared.
   */
  readonly reason: 'tag-moved' | 'other-settings' | 'other-version' | 'unmarked';
}

/** The image gets no index. */
export interface SkippedImage extends ImageTag {
  readonly action: 'skipped';
  readonly reason: PlanSkipReason;
}

/**
 * Reason why an image gets no index.
 *
 * - `no-match`: no filter matches the tag.
 * - `excluded`: a filter with `!` matches the tag.
 * - `not-an-image`: an artifact by its media types, or by its tag: a signature, or the list of referrers.
 * - `archived`: the image is archived, and cannot be pulled.
 * - `too-old`: it was pushed before the time of the policy.
 * - `too-large`: it is larger than the policy allows.
 * - `tag-too-long`: its output tag would have more than 128 characters.
 */
export type PlanSkipReason =
  | 'no-match'
  | 'excluded'
  | 'not-an-image'
  | 'archived'
  | 'too-old'
  | 'too-large'
  | 'tag-too-long';

/** Whether a plan says that the image must be indexed. */
export function needsIndex(plan: ImagePlan): plan is PlannedImage | StaleImage {
  return plan.action === 'index' || plan.action === 'stale';
}
