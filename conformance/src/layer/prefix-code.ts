import type { Random } from '@soci/test-content';
import type { BitWriter } from './bit-writer.ts';

/** How code lengths are chosen. */
export type CodeStyle = 'huffman' | 'random' | 'deep';

/**
 * Chooses code lengths for a complete prefix code over the symbols with a count above 0. No length exceeds `limit`.
 * 'huffman' fits the lengths to the counts, 'random' splits at random, and 'deep' uses the longest lengths that the
 * limit allows. A code of one symbol gets length 1. It is the only incomplete code that decoders accept.
 */
export function chooseLengths(counts: Uint32Array, limit: number, style: CodeStyle, random: Random): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const used = [...counts.keys()].filter((symbol) => counts[symbol] > 0);
  const leaves =
    style === 'huffman'
      ? huffmanDepths(
          used.map((symbol) => counts[symbol]),
          limit,
        )
      : splitDepths(used.length, limit, style, random);
  for (const [i, symbol] of used.entries()) lengths[symbol] = leaves[i];
  return lengths;
}

function huffmanDepths(weights: readonly number[], limit: number): number[] {
  if (weights.length === 1) return [1];
  const depths = weights.map(() => 0);
  let forest = weights.map((weight, i) => ({ weight, members: [i] }));
  while (forest.length > 1) {
    forest.sort((a, b) => a.weight - b.weight);
    const [first, second, ...rest] = forest;
    const members = [...first.members, ...second.members];
    for (const member of members) depths[member]++;
    forest = [...rest, { weight: first.weight + second.weight, members }];
  }
  // Flatter weights make a flatter tree. Halving them until the tree fits is less exact than package-merge, and
  // sufficient here.
  return Math.max(...depths) <= limit
    ? depths
    : huffmanDepths(
        weights.map((weight) => (weight >>> 1) | 1),
        limit,
      );
}

function splitDepths(count: number, limit: number, style: CodeStyle, random: Random): number[] {
  if (count === 1) return [1];
  const open = count === 0 ? [] : [0];
  const full: number[] = [];
  while (open.length > 0 && open.length + full.length < count) {
    const at = style === 'deep' ? open.length - 1 : random.between(0, open.length - 1);
    const [depth] = open.splice(at, 1);
    (depth + 1 === limit ? full : open).push(depth + 1, depth + 1);
  }
  const depths = [...full, ...open];
  for (let i = depths.length - 1; i > 0; i--) {
    const j = random.between(0, i);
    [depths[i], depths[j]] = [depths[j], depths[i]];
  }
  return depths;
}

/** Assigns the code of each symbol according to RFC 1951, section 3.2.2. */
export class PrefixCode {
  readonly #lengths: Uint8Array;
  readonly #words: Uint16Array;

  constructor(lengths: Uint8Array) {
    const next = new Uint32Array(18);
    const counts = new Uint32Array(18);
    for (const length of lengths) if (length > 0) counts[length]++;
    for (let length = 1; length < 17; length++) next[length + 1] = (next[length] + counts[length]) << 1;
    this.#lengths = lengths;
    this.#words = Uint16Array.from(lengths, (length) => (length === 0 ? 0 : reverse(next[length]++, length)));
  }

  /** Writes the code of `symbol`. */
  write(writer: BitWriter, symbol: number): void {
    writer.bits(this.#words[symbol], this.#lengths[symbol]);
  }
}

function reverse(word: number, length: number): number {
  let reversed = 0;
  for (let i = 0; i < length; i++) reversed |= ((word >>> i) & 1) << (length - 1 - i);
  return reversed;
}
