import type { Descriptor } from '@soci/oci';

/**
 * Why there is nothing to index, or no need to:
 *
 * - `not-a-push`, `not-successful`, `other-account`, `other-region`: the event is not of an image that was pushed here;
 * - `gone`: the image was deleted meanwhile;
 * - `tag-moved`: its tag names another image by now, whose own event will come;
 * - `untagged`: it has no tag, and its index would be named after that;
 * - `not-an-image`: it is an artifact, such as a Helm chart;
 * - `soci-index`: it is a SOCI index;
 * - `soci-enabled`: it is an image that a conversion has made, or one of its manifests;
 * - `signature`, `attestation`: it says something about an image;
 * - `already-indexed`: the index that would be made is there;
 * - `no-platform`, `no-layers`: it is an image that holds nothing to run, or nothing at all;
 * - `layers-too-small`, `layers-not-supported`: none of its layers is worth, or capable of, being indexed.
 */
export type SkipReason =
  | 'already-indexed'
  | 'attestation'
  | 'gone'
  | 'layers-not-supported'
  | 'layers-too-small'
  | 'no-layers'
  | 'no-platform'
  | 'not-a-push'
  | 'not-an-image'
  | 'not-successful'
  | 'other-account'
  | 'other-region'
  | 'signature'
  | 'soci-enabled'
  | 'soci-index'
  | 'tag-moved'
  | 'untagged';

/**
 * Why an image that should have an index gets none, and would get none from trying again:
 *
 * - `event-invalid`: the event is none that is taken;
 * - `tag-taken`: the tag for the index is there, and names something that is no SOCI-enabled image;
 * - `tag-immutable`: that tag is there, names another SOCI-enabled image, and may not be moved;
 * - `tag-too-long`: it would be longer than tags can be;
 * - `image-invalid`: a manifest, a layer or a list in it that is broken, or beyond the limits;
 * - `access-denied`: the role of the function, or the policy of the repository, does not let it in;
 * - `refused`: Amazon ECR does not take what was made;
 * - `not-proved`: the index did not read back right, and was not pushed;
 * - `deadline`: the time of the invocation was nearly over.
 */
export type FailReason =
  | 'access-denied'
  | 'deadline'
  | 'event-invalid'
  | 'image-invalid'
  | 'not-proved'
  | 'refused'
  | 'tag-immutable'
  | 'tag-taken'
  | 'tag-too-long';

/** What came of an event. A failure in passing is thrown instead, so that Lambda tries again. */
export type Outcome = Indexed | Skipped | Failed;

/** The index was made and pushed. */
export interface Indexed {
  readonly outcome: 'indexed';
  readonly version: 1 | 2;
  /** The SOCI-enabled image; absent with version 1. */
  readonly root?: Descriptor;
  /** The tag that the image has; absent where it has none. */
  readonly outputTag?: string;
  /** The SOCI indexes, one a platform. */
  readonly indexes: readonly Descriptor[];
  /** How many layers were read, taken over from earlier indexes, and left out. */
  readonly layers: { readonly built: number; readonly reused: number; readonly skipped: number };
  /** Bytes of the layers that were read. */
  readonly bytesRead: number;
  /** Spans that were fetched again and compared. */
  readonly spansVerified: number;
}

/** There was nothing to do. */
export interface Skipped {
  readonly outcome: 'skipped';
  readonly reason: SkipReason;
  /** The same for people, with what was found. */
  readonly message: string;
  /** With `already-indexed`, the SOCI-enabled image that is there; absent with version 1. */
  readonly root?: Descriptor;
  /** With `already-indexed`, the tag that it has. */
  readonly outputTag?: string;
}

/** It will not work, however often it is tried. */
export interface Failed {
  readonly outcome: 'failed';
  readonly reason: FailReason;
  /** What, where, and what to do. */
  readonly message: string;
}

/** Says that there is nothing to do, and why. */
export function skipped(reason: SkipReason, message: string): Skipped {
  return { outcome: 'skipped', reason, message };
}

/** Says that it will not work, and why. */
export function failed(reason: FailReason, message: string): Failed {
  return { outcome: 'failed', reason, message };
}
