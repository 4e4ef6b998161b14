import { DEFAULT_LIMITS } from '../limits.ts';
import { DEFAULT_SPAN_SIZE } from '../ztoc.ts';
import { CheckpointPacker, type GzipCheckpoint, PACKED_CHECKPOINT_SIZE } from './checkpoints.ts';

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
const MIN_CANDIDATE_DISTANCE = 1 << 18;

/**
 * Number of candidates at which the minimum distance doubles. Each candidate needs 32 KiB, so they need at most 40 MB while
 * the distance can double.
 */
const DOUBLING_COUNT = 1200;

/**
 * Maximum of the minimum distance. Layers that have more candidates at this distance (4.7 GiB) would have as many
 * checkpoints at the default span size.
 */
const MAX_CANDIDATE_DISTANCE = DEFAULT_SPAN_SIZE;

/** Maximum number of candidates, if {@link MAX_CANDIDATE_DISTANCE} does not suffice. Later ones are dropped. */
const MAX_CANDIDATES = DEFAULT_LIMITS.maxSpans;

/**
 * Bytes by which the memory for candidates grows: half of what they need before the distance doubles. V8 collects all garbage
 * after each 10 MB that are added in small steps.
 */
const GROWTH = (DOUBLING_COUNT / 2) * PACKED_CHECKPOINT_SIZE;

/** Most layers inflate to at least this number of times their size. */
const USUAL_RATIO = 2;

/** Limits of a {@link CandidateList}. */
export interface CandidateLimits {
  /** Minimum number of bytes of output between two candidates, until there are too many. */
  readonly minDistance: number;
  /** Maximum of that number when it doubles. At most the size of a span. */
  readonly maxDistance: number;
  /** Number of candidates at which the distance doubles; at least 2. */
  readonly doublingCount: number;
}

/**
 * Returns the limits for a layer. A layer that will have too many candidates if it inflates to twice its size starts with a
 * larger distance, which saves copies of windows.
 * @param layerSize Size of the layer in bytes; 0 if it is not known.
 */
export function candidateLimits(layerSize: number): CandidateLimits {
  let minDistance = MIN_CANDIDATE_DISTANCE;
  while (minDistance < MAX_CANDIDATE_DISTANCE && USUAL_RATIO * layerSize > DOUBLING_COUNT * minDistance)
    minDistance *= 2;
  return { minDistance, maxDistance: MAX_CANDIDATE_DISTANCE, doublingCount: DOUBLING_COUNT };
}

/**
 * Keeps candidates while a layer is read. When there are too many, the minimum distance doubles, and the list is thinned
 * in place. The result depends on the layer and the limits only.
 */
export class CandidateList {
  readonly #limits: CandidateLimits;
  readonly #packer: CheckpointPacker;
  /** Output offsets of the spans that have started. */
  readonly #spanStarts: number[] = [];
  #minDistance: number;
  /** Output offset of the last candidate or span start. */
  #last = 0;

  constructor(limits: CandidateLimits) {
    this.#limits = limits;
    this.#minDistance = limits.minDistance;
    this.#packer = new CheckpointPacker(limits.minDistance, MAX_CANDIDATES, GROWTH);
  }

  /** A span starts here. Removes the candidate before it if it is too close. */
  addSpan(checkpoint: GzipCheckpoint): void {
    const { outputOffset } = checkpoint;
    if (this.#packer.count === 0) this.#packer.add(checkpoint);
    const isCandidate = this.#last > (this.#spanStarts.at(-1) ?? 0);
    if (isCandidate && outputOffset - this.#last <= this.#minDistance) this.#packer.removeLast();
    this.#spanStarts.push(outputOffset);
    this.#last = outputOffset;
  }

  /** Adds a candidate, unless it is too close to the last one. @returns the current minimum distance */
  add(checkpoint: GzipCheckpoint): number {
    const { maxDistance, doublingCount } = this.#limits;
    while (this.#packer.count >= doublingCount && this.#minDistance < maxDistance) {
      this.#minDistance = Math.min(2 * this.#minDistance, maxDistance);
      this.#thin();
    }
    const isTooClose = checkpoint.outputOffset - this.#last <= this.#minDistance;
    if (!isTooClose && this.#packer.count < MAX_CANDIDATES) {
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
