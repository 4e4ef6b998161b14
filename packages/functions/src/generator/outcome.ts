import type { EventIgnoreReason } from '@soci/filter';
import {
  type ImageRefusalReason,
  type ImageSkipReason,
  type LayerWarning,
  type NothingIndexed,
  SociIndexError,
  type SociIndexErrorCode,
  type UsedProfile,
} from '@soci/index';
import { type Descriptor, OciError, type OciErrorCode } from '@soci/oci';
import { RegistryError, type RegistryErrorCode } from '@soci/registry';
import { FunctionError, type FunctionErrorCode } from '../errors.ts';

/**
 * Reason to skip an image: a reason of the event, of `indexImage`, or
 *
 * - `already-indexed`: the index already exists;
 * - `archived`: the image is archived, and cannot be pulled until it is restored;
 * - `excluded`: the tag of the image is one that indexes get, such as `v1-soci`;
 * - `gone`: the image was deleted after the push;
 * - `untagged`: the image has no tag, which the output tag needs.
 */
export type SkipReason =
  | EventIgnoreReason
  | ImageSkipReason
  | NothingIndexed['reason']
  | 'already-indexed'
  | 'archived'
  | 'excluded'
  | 'gone'
  | 'untagged';

/**
 * Reason for a permanent failure: a reason of `indexImage`, or
 *
 * - `event-invalid`: the event is not valid, or of a kind that is not accepted;
 * - `image-invalid`: a manifest or layer is invalid or exceeds a limit;
 * - `access-denied`: the role of the function, or the policy of the repository, denies access;
 * - `refused`: Amazon ECR rejects a manifest or an upload;
 * - `deadline`: the invocation was about to time out.
 */
export type FailReason =
  | ImageRefusalReason
  | 'access-denied'
  | 'deadline'
  | 'event-invalid'
  | 'image-invalid'
  | 'refused';

/** Outcome of an event. Temporary errors are thrown instead, which makes Lambda retry. */
export type Outcome = Indexed | Skipped | Failed;

/** The index was created and pushed. */
export interface Indexed {
  readonly outcome: 'indexed';
  readonly version: 1 | 2;
  /** The SOCI-enabled image. Absent for version 1. */
  readonly root?: Descriptor;
  /** Tag of the SOCI-enabled image, if it has one. */
  readonly outputTag?: string;
  /** The SOCI indexes, one for each platform. */
  readonly indexes: readonly Descriptor[];
  /** Number of layers that were read, reused from earlier indexes, and skipped. */
  readonly layers: { readonly built: number; readonly reused: number; readonly skipped: number };
  /** Bytes of the layers that were read. */
  readonly bytesRead: number;
  /** Number of spans that were read back and compared. */
  readonly spansVerified: number;
  /** Profile that the spans follow. Only with `soci_span_size` `auto` or `soci_use_stored_profile`. */
  readonly profile?: IndexProfile;
  /** Layers that were recompressed with gzip, at most 50. Absent without such layers. */
  readonly recompressed?: readonly Recompression[];
  /** Layers that the runtime handles in another way than expected, at most 20. Absent without warnings. */
  readonly warnings?: readonly IndexWarning[];
}

/** Profile that the spans of an index follow. */
export interface IndexProfile extends UsedProfile {
  /** Number of its files that the image has, in the platform with the most. If it is 0, spans have the default size. */
  readonly filesFound: number;
  /** Why the stored profile is not used: it is malformed, or cannot be read. */
  readonly problem?: string;
}

/** A layer that was recompressed with gzip. */
export interface Recompression {
  /** Digest and size of the new layer, in bytes. */
  readonly layer: string;
  readonly size: number;
  /** The layer of the original image. */
  readonly from: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>;
}

/** A warning about an indexed layer. */
export interface IndexWarning extends Pick<LayerWarning, 'code' | 'effect' | 'message' | 'spanSize'> {
  /** Digest of the layer. */
  readonly layer: string;
}

/** The image needs no index or cannot have one. */
export interface Skipped {
  readonly outcome: 'skipped';
  readonly reason: SkipReason;
  /** Human-readable reason with details. */
  readonly message: string;
  /** For `already-indexed`, the existing SOCI-enabled image. Absent for version 1. */
  readonly root?: Descriptor;
  /** For `already-indexed`, its tag. */
  readonly outputTag?: string;
}

/** The image cannot be indexed, and a retry would not help. */
export interface Failed {
  readonly outcome: 'failed';
  readonly reason: FailReason;
  /** Human-readable error with a solution. */
  readonly message: string;
}

/** Returns a skipped outcome. */
export function skipped(reason: SkipReason, message: string): Skipped {
  return { outcome: 'skipped', reason, message };
}

/** Returns a failed outcome. */
export function failed(reason: FailReason, message: string): Failed {
  return { outcome: 'failed', reason, message };
}

type Reasons<Code extends string> = Readonly<Partial<Record<Code, FailReason>>>;

const FUNCTION_REASONS: Reasons<FunctionErrorCode> = { DEADLINE_NEAR: 'deadline' };

const REGISTRY_REASONS: Reasons<RegistryErrorCode> = {
  ACCESS_DENIED: 'access-denied',
  LIMIT_EXCEEDED: 'refused',
  MANIFEST_REFUSED: 'refused',
  REDIRECT_REFUSED: 'refused',
  UNSUPPORTED: 'refused',
  UPLOAD_REFUSED: 'refused',
};

/** Does not include `DIGEST_MISMATCH`: content was corrupted in transit, and a retry reads it again. */
const CONTENT_REASONS: Reasons<OciErrorCode> = {
  DIGEST_INVALID: 'image-invalid',
  LIMIT_EXCEEDED: 'image-invalid',
  MANIFEST_INVALID: 'image-invalid',
  PLATFORM_INVALID: 'image-invalid',
};

const IMAGE_REASONS: Reasons<SociIndexErrorCode> = {
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
 * Returns the outcome for a permanent error. Returns undefined for errors that a retry may fix: broken connections, a busy
 * registry, and unknown errors.
 */
export function permanentOutcome(error: unknown): Failed | Skipped | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof OciError && error.code === 'NOT_FOUND') {
    return skipped('gone', `the image or a part of it no longer exists: ${error.message}`);
  }
  const reason = reasonOf(error);
  return reason && failed(reason, error.message);
}

function reasonOf(error: Error): FailReason | undefined {
  if (error instanceof FunctionError) return FUNCTION_REASONS[error.code];
  if (error instanceof RegistryError) return REGISTRY_REASONS[error.code];
  if (error instanceof OciError) return CONTENT_REASONS[error.code];
  if (error instanceof SociIndexError) return IMAGE_REASONS[error.code];
  return undefined;
}
