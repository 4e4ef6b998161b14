import { Random } from '@soci/test-content';
import { BitWriter } from './bit-writer.ts';
import { blockTypeOf, type DeflateFault } from './deflate-fault.ts';
import {
  DISTANCE_BASE,
  DISTANCE_EXTRA,
  distanceSymbol,
  FIXED_DISTANCE_LENGTHS,
  FIXED_LITERAL_LENGTHS,
  LENGTH_BASE,
  LENGTH_EXTRA,
  lengthSymbol,
  writeDynamicHeader,
} from './dynamic-header.ts';
import { findMatches, type MatchStyle, type Tokens } from './matches.ts';
import { type CodeStyle, chooseLengths, PrefixCode } from './prefix-code.ts';

/**
 * A deflate stream made symbol by symbol. It has features that no compressor writes and that every decoder must read.
 */
export interface HandDeflate {
  readonly seed: number;
  /** Number of blocks, at least 1. */
  readonly blocks: number;
  readonly types: readonly ('stored' | 'fixed' | 'dynamic')[];
  readonly codes: CodeStyle;
  readonly matches: MatchStyle;
  /** Probability, from 0 to 1, that an empty block precedes another block. */
  readonly emptyBlocks: number;
  /** Assigns codes to unused symbols. */
  readonly spareSymbols: boolean;
  /** A fault in one block in the middle. */
  readonly fault?: DeflateFault;
}

/** Returns the deflate stream of `data` that `plan` describes. */
export function renderHandDeflate(plan: HandDeflate, data: Uint8Array): Uint8Array {
  const random = new Random(plan.seed);
  const tokens = findMatches(data, plan.matches, random);
  const writer = new BitWriter();
  const cuts = random.list(plan.blocks - 1, () => random.between(0, tokens.count)).sort((a, b) => a - b);
  const faulty = plan.fault === undefined ? -1 : random.between(0, plan.blocks - 1);
  const block = new BlockWriter(plan, data, tokens, writer, random);
  for (let i = 0, start = 0; i < plan.blocks; i++) {
    const end = cuts[i] ?? tokens.count;
    while (random.chance(plan.emptyBlocks)) block.write(start, start, false);
    block.write(start, end, i === plan.blocks - 1, i === faulty ? plan.fault : undefined);
    start = end;
  }
  writer.align(random.uint32());
  return writer.take();
}

/** Writes the blocks of one stream. */
class BlockWriter {
  readonly #plan: HandDeflate;
  readonly #data: Uint8Array;
  readonly #tokens: Tokens;
  readonly #writer: BitWriter;
  readonly #random: Random;
  #at = 0;

  constructor(plan: HandDeflate, data: Uint8Array, tokens: Tokens, writer: BitWriter, random: Random) {
    this.#plan = plan;
    this.#data = data;
    this.#tokens = tokens;
    this.#writer = writer;
    this.#random = random;
  }

  /** Writes the tokens from `start` to `end` as one block, or as several if stored blocks would be too long. */
  write(start: number, end: number, final: boolean, fault?: DeflateFault): void {
    if (fault === 'reserved-type') {
      this.#writer.bits(final ? 7 : 6, 3);
      return;
    }
    const type = blockTypeOf(fault) ?? this.#random.pick(this.#plan.types);
    if (type === 'stored') this.#writeStored(start, end, final, fault);
    else if (type === 'fixed') this.#writeFixed(start, end, final, fault);
    else this.#writeDynamic(start, end, final, fault);
  }

  #writeStored(start: number, end: number, final: boolean, fault?: DeflateFault): void {
    let left = 0;
    for (let i = start; i < end; i++) left += this.#tokens.lengths[i];
    do {
      const size = Math.min(left, 65_535);
      left -= size;
      this.#writer.bits(final && left === 0 ? 1 : 0, 3);
      this.#writer.align(this.#random.uint32());
      this.#writer.bits(size, 16);
      this.#writer.bits((~size & 0xffff) ^ (fault === 'stored-length' ? 1 << this.#random.between(0, 15) : 0), 16);
      this.#writer.bytes(this.#data.subarray(this.#at, this.#at + size));
      this.#at += size;
    } while (left > 0);
  }

  #writeFixed(start: number, end: number, final: boolean, fault?: DeflateFault): void {
    this.#writer.bits(final ? 3 : 2, 3);
    const literals = new PrefixCode(FIXED_LITERAL_LENGTHS);
    const distances = new PrefixCode(FIXED_DISTANCE_LENGTHS);
    if (fault === 'reserved-literal') literals.write(this.#writer, this.#random.pick([286, 287]));
    if (fault === 'reserved-distance' || fault === 'distance-too-far') {
      literals.write(this.#writer, 257);
      const symbol = fault === 'reserved-distance' ? this.#random.pick([30, 31]) : 29;
      distances.write(this.#writer, symbol);
      if (symbol === 29) this.#writer.bits(this.#at < 32_768 ? 8191 : 0, 13);
    }
    this.#writeTokens(start, end, literals, distances);
  }

  #writeDynamic(start: number, end: number, final: boolean, fault?: DeflateFault): void {
    this.#writer.bits(final ? 5 : 4, 3);
    const { literalCounts, distanceCounts } = this.#count(start, end);
    const literals = chooseLengths(literalCounts, 15, this.#plan.codes, this.#random);
    const distances = chooseLengths(distanceCounts, 15, this.#plan.codes, this.#random);
    writeDynamicHeader(this.#writer, literals, distances, this.#random, this.#plan.codes, fault);
    this.#writeTokens(start, end, new PrefixCode(literals), new PrefixCode(distances));
  }

  #count(start: number, end: number): { literalCounts: Uint32Array; distanceCounts: Uint32Array } {
    const literalCounts = new Uint32Array(286);
    const distanceCounts = new Uint32Array(30);
    literalCounts[256] = 1;
    for (let i = start, at = this.#at; i < end; i++) {
      const length = this.#tokens.lengths[i];
      const distance = this.#tokens.distances[i];
      literalCounts[distance === 0 ? this.#data[at] : lengthSymbol(length)]++;
      if (distance > 0) distanceCounts[distanceSymbol(distance)]++;
      at += length;
    }
    if (this.#plan.spareSymbols) {
      for (let i = this.#random.magnitude(0, 40); i > 0; i--) literalCounts[this.#random.between(0, 285)] ||= 1;
      for (let i = this.#random.magnitude(0, 6); i > 0; i--) distanceCounts[this.#random.between(0, 29)] ||= 1;
    }
    // Half of the literal-only blocks get a distance code with one symbol, like those of zlib. The others get none.
    if (distanceCounts.every((count) => count === 0) && this.#random.chance(0.5))
      distanceCounts[this.#random.between(0, 29)] = 1;
    return { literalCounts, distanceCounts };
  }

  #writeTokens(start: number, end: number, literals: PrefixCode, distances: PrefixCode): void {
    for (let i = start; i < end; i++) {
      const length = this.#tokens.lengths[i];
      const distance = this.#tokens.distances[i];
      if (distance === 0) literals.write(this.#writer, this.#data[this.#at]);
      else {
        const symbol = lengthSymbol(length);
        literals.write(this.#writer, symbol);
        this.#writer.bits(length - LENGTH_BASE[symbol - 257], LENGTH_EXTRA[symbol - 257]);
        const far = distanceSymbol(distance);
        distances.write(this.#writer, far);
        this.#writer.bits(distance - DISTANCE_BASE[far], DISTANCE_EXTRA[far]);
      }
      this.#at += length;
    }
    literals.write(this.#writer, 256);
  }
}
