import type { EventIgnoreReason } from '@soci/filter';
import {
  type ImageRefusalReason,
  type ImageSkipReason,
  type NothingIndexed,
  SociIndexError,
  type SociIndexErrorCode,
} from '@soci/index';
import { type Descriptor, OciError, type OciErrorCode } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '@soci/registry';
import { FunctionError, type FunctionErrorCode } from '../errors.ts';

/**
 * Why there is nothing to index, or no need to: a reason of the event, of `indexImage`, or
 *
 * - `already-indexed`: the index that would be made is there;
 * - `gone`: the image was deleted after the push;
 * - `untagged`: the image has no tag, from which the tag of its index would be made.
 */
export type SkipReason =
  | EventIgnoreReason
  | ImageSkipReason
  | NothingIndexed['reason']
  | 'already-indexed'
  | 'gone'
  | 'untagged';

/**
 * Why an image that should have an index gets none, and would get none from a retry: a reason of `indexImage`, or
 *
 * - `event-invalid`: the event is not valid, or of a kind that is not accepted;
 * - `image-invalid`: a manifest or a layer is broken, or exceeds a limit;
 * - `access-denied`: the role of the function, or the policy of the repository, denies access;
 * - `refused`: Amazon ECR does not accept what was made;
 * - `deadline`: the time of the invocation was nearly over.
 */
export type FailReason =
  | ImageRefusalReason
  | 'access-denied'
  | 'deadline'
  | 'event-invalid'
  | 'image-invalid'
  | 'refused';

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

type Reasons<Code extends string> = Readonly<Partial<Record<Code, FailReason>>>;

const OWN: Reasons<FunctionErrorCode> = { DEADLINE_NEAR: 'deadline' };

const REGISTRY: Reasons<RegistryErrorCode> = {
  ACCESS_DENIED: 'access-denied',
  LIMIT_EXCEEDED: 'refused',
  MANIFEST_REFUSED: 'refused',
  REDIRECT_REFUSED: 'refused',
  UNSUPPORTED: 'refused',
  UPLOAD_REFUSED: 'refused',
};

/** Content that is not what its digest says has been spoilt on its way: it is read again. */
const CONTENT: Reasons<OciErrorCode> = {
  DIGEST_INVALID: 'image-invalid',
  LIMIT_EXCEEDED: 'image-invalid',
  MANIFEST_INVALID: 'image-invalid',
  PLATFORM_INVALID: 'image-invalid',
};

const IMAGE: Reasons<SociIndexErrorCode> = {
  ALREADY_CONVERTED: 'image-invalid',
  LAYER_INVALID: 'image-invalid',
  LAYER_TYPE_INVALID: 'image-invalid',
  LIMIT_EXCEEDED: 'image-invalid',
  MANIFEST_INVALID: 'image-invalid',
  PLATFORM_MISSING: 'image-invalid',
  PLATFORM_NOT_FOUND: 'image-invalid',
  SOCI_INDEX_INVALID: 'image-invalid',
};

/**
 * What an error comes to that trying again would not mend; undefined where it may: a connection that broke, a registry that
 * is busy, and whatever is not known here.
 */
export function permanentOutcome(error: unknown): Failed | Skipped | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof OciError && error.code === 'NOT_FOUND') {
    return skipped('gone', `the image, or a part of it, is not there any more: ${error.message}`);
  }
  const reason = reasonOf(error);
  return reason && failed(reason, error.message);
}

function reasonOf(error: Error): FailReason | undefined {
  if (error instanceof FunctionError) return OWN[error.code];
  if (error instanceof RegistryError) return REGISTRY[error.code];
  if (error instanceof OciError) return CONTENT[error.code];
  if (error instanceof SociIndexError) return IMAGE[error.code];
  return undefined;
}
