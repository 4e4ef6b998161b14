import type { ImageTag } from '../plan/image-plan.ts';

/** The outcome of an image. */
export interface ImageOutcome {
  /**
   * - `indexed`: the index was built and pushed.
   * - `already-indexed`: it existed.
   * - `nothing-to-index`: no layer of the image can be indexed.
   * - `skipped`: the image needs no index, or no longer exists.
   * - `failed`: see `reason`. Another run tries it again.
   */
  readonly outcome: 'indexed' | 'already-indexed' | 'nothing-to-index' | 'skipped' | 'failed';
  /** Machine-readable reason. Absent for `indexed`. */
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
