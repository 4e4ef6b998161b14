import { MIN_PART_SIZE } from './read-ahead-pool.ts';

/**
 * Maximum number of parts at the same time. A client has 16 connections to a host by default: one is reserved for
 * requests without a body, and one is left for another blob.
 */
export const MAX_PARTS = 14;

/** Rate that no consumer of a blob exceeds, in bytes per millisecond: 400 MB/s. */
const TARGET_RATE = 400_000;

/** Share of the rate of all connections that is attempted. The rest would need much more memory. */
const TARGET_SHARE = 0.85;

/** What is known about the network. */
export interface NetworkPath {
  /** Rate of one connection, in bytes per millisecond. */
  readonly rate: number;
  /** Time from a request to the first byte of its response, in milliseconds. */
  readonly delay: number;
}

/** Size and number of the parts that are requested at the same time. */
export interface PartPlan {
  /** In bytes. */
  readonly size: number;
  readonly count: number;
}

/** Fraction of the memory that a part may have. With larger ones, most of the memory waits for the first part. */
const PARTS_IN_MEMORY = 4;

/**
 * Chooses the parts that reach {@link TARGET_RATE} with the least memory. A connection carries nothing during the delay
 * of a request, so `count` connections with parts of `size` bytes carry `count * size / (delay + size / rate)`. The
 * memory is least with many connections and small parts. Parts that are requested need no memory until they arrive, so all
 * of them together may be larger than the memory.
 *
 * @param memory - Maximum number of bytes that arrived and are not consumed, at least two parts of minimum size.
 * @param maxParts - Maximum number of parts, if less than {@link MAX_PARTS}.
 */
export function planParts({ rate, delay }: NetworkPath, memory: number, maxParts = MAX_PARTS): PartPlan {
  const target = Math.min(TARGET_RATE, TARGET_SHARE * MAX_PARTS * rate);
  const needed = (target * delay) / (MAX_PARTS - target / rate);
  const size = Math.floor(Math.max(MIN_PART_SIZE, Math.min(needed, memory / PARTS_IN_MEMORY)));
  const count = Math.ceil((target * (delay + size / rate)) / size);
  return { size, count: Math.max(2, Math.min(count, MAX_PARTS, maxParts)) };
}
