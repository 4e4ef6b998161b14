import { SociIndexError } from '@soci/index';
import { OciError } from '@soci/oci';
import type { ImageTag } from '../plan/image-plan.ts';

/** The outcome of an image. */
export interface ImageOutcome {
  /**
   * - `indexed`: the index was built and pushed.
   * - `skipped`: the image has an index, needs none, or no longer exists.
   * - `failed`: another run tries it again.
   */
  readonly outcome: 'indexed' | 'skipped' | 'failed';
  /**
   * Machine-readable reason, as in docs/outcomes.md: `already-indexed`, `layers-too-small`, `gone`; for a failure `access-denied`,
   * `image-invalid`, `refused`, and `try-again` for what may be temporary. Absent for `indexed`.
   */
  readonly reason?: string;
  /** Description for people, with a remedy for failures. */
  readonly message?: string;
  /** Digest of the SOCI-enabled image, if there is one. */
  readonly root?: string;
  /** Bytes of layers that were read. */
  readonly bytesRead?: number;
}

/** An image with its outcome. */
export interface FinishedImage extends ImageTag, ImageOutcome {
  /** Duration in seconds. */
  readonly seconds: number;
}

/** Number of images by outcome. */
export type OutcomeCounts = Readonly<Record<ImageOutcome['outcome'], number>>;

/** Reasons by the codes of `RegistryError`, whose package this one does not import. */
const REGISTRY_REASONS: Readonly<Record<string, string>> = {
  ACCESS_DENIED: 'access-denied',
  AUTHENTICATION_FAILED: 'access-denied',
  LIMIT_EXCEEDED: 'refused',
  MANIFEST_REFUSED: 'refused',
  REDIRECT_REFUSED: 'refused',
  TAG_IMMUTABLE: 'tag-immutable',
  UNSUPPORTED: 'refused',
  UPLOAD_REFUSED: 'refused',
};

/** Codes of content errors that another try may not have. */
const TEMPORARY: readonly string[] = ['DIGEST_MISMATCH', 'READ_FAILED', 'SIZE_MISMATCH'];

/** Returns the outcome for an error of indexing. */
export function outcomeOfError(error: unknown): ImageOutcome {
  if (!(error instanceof Error)) return { outcome: 'failed', reason: 'try-again', message: String(error) };
  const { message, name } = error;
  // Tags and layers may vanish between the listing and the indexing.
  if (error instanceof OciError && error.code === 'NOT_FOUND') {
    return { outcome: 'skipped', reason: 'gone', message: `the image or a part of it no longer exists: ${message}` };
  }
  const isContent = (error instanceof OciError || error instanceof SociIndexError) && !TEMPORARY.includes(error.code);
  const { code } = error as { readonly code?: unknown };
  const reason = isContent ? 'image-invalid' : name === 'RegistryError' ? REGISTRY_REASONS[String(code)] : undefined;
  return { outcome: 'failed', reason: reason ?? 'try-again', message };
}
