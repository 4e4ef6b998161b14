import { CheckpointPacker, type GzipCheckpoint } from './checkpoints.ts';

/**
 * Points of a gzip layer at which `refineZtoc` can start additional spans. Plain data: it can be sent between threads,
 * and its buffer can be transferred.
 */
export interface SpanCandidates {
  /** Minimum number of bytes of output between two candidates, and between a candidate and the start of a span. */
  readonly minDistance: number;
  /** Checkpoints, packed as in a zTOC. The first one is the start of the first span. */
  readonly checkpoints: Uint8Array<ArrayBuffer>;
}

/** Minimum number of bytes of output between two candidates of a layer that is not large. */
export const MIN_CANDIDATE_DISTANCE = 1 << 18;

/** Maximum number of candidates of a layer. Each needs 32 KiB, so all of them need at most 40 MB. */
const MAX_CANDIDATES = 1200;

/**
 * Keeps candidates while a layer is read. When there are too many, the minimum distance doubles, and the list is thinned
 * in place. The result depends on the layer only.
 */
export class CandidateList {
  readonly #packer: CheckpointPacker;
  readonly #maxCount: number;
  /** Output offsets of the spans that have started. */
  readonly #spanStarts: number[] = [];
  #minDistance: number;
  /** Output offset of the last candidate or span start. */
  #last = 0;

  /**
   * @param minDistance Minimum number of bytes of output between two candidates, until there are too many.
   * @param maxCount Maximum number of candidates; at least 2.
   */
  constructor(minDistance = MIN_CANDIDATE_DISTANCE, maxCount = MAX_CANDIDATES) {
    this.#minDistance = minDistance;
    this.#maxCount = maxCount;
    this.#packer = new CheckpointPacker(minDistance, maxCount);
  }

  /** A span starts here. Removes candidates that are too close to it. */
  addSpan(checkpoint: GzipCheckpoint): void {
    if (this.#packer.count === 0) this.#packer.add(checkpoint);
    this.#spanStarts.push(checkpoint.outputOffset);
    this.#thin();
    this.#last = checkpoint.outputOffset;
  }

  /** Adds a candidate, unless it is too close to the last one. @returns the current minimum distance */
  add(checkpoint: GzipCheckpoint): number {
    while (this.#packer.count === this.#maxCount) {
      this.#minDistance *= 2;
      this.#thin();
    }
    if (checkpoint.outputOffset - this.#last > this.#minDistance) {
      this.#packer.add(checkpoint);
      this.#last = checkpoint.outputOffset;
    }
    return this.#minDistance;
  }

  /** Returns the candidates. Call nothing else afterwards. */
  finish(): SpanCandidates {
    this.#packer.spanSize = this.#minDistance;
    return { minDistance: this.#minDistance, checkpoints: this.#packer.take() };
  }

  /** Removes candidates that are too close to the previous one or to the start of a span. */
  #thin(): void {
    const starts = this.#spanStarts;
    let next = 0;
    let last = 0;
    this.#packer.retain((offset) => {
      for (; next < starts.length && (starts[next] as number) <= offset; next++) last = starts[next] as number;
      // The first candidate is the start of the first span.
      if (offset === 0) return true;
      const distance = Math.min(offset - last, (starts[next] ?? Number.POSITIVE_INFINITY) - offset);
      if (distance <= this.#minDistance) return false;
      last = offset;
      return true;
    });
    this.#last = Math.max(last, starts.at(-1) ?? 0);
  }
}
