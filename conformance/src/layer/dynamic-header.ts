import type { Random } from '@soci/test-content';
import type { BitWriter } from './bit-writer.ts';
import type { DeflateFault } from './deflate-fault.ts';
import { type CodeStyle, chooseLengths, PrefixCode } from './prefix-code.ts';

/** Base and extra bits of each length symbol from 257 (RFC 1951, section 3.2.5). */
export const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
export const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/** Base and extra bits of each distance symbol (RFC 1951, section 3.2.5). */
export const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
export const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];

/** Order in which the lengths of the code length code are written (RFC 1951, section 3.2.7). */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Code lengths of the fixed literal and length code (RFC 1951, section 3.2.6). Its last two symbols are invalid. */
export const FIXED_LITERAL_LENGTHS: Uint8Array = Uint8Array.from({ length: 288 }, (_, symbol) =>
  symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
);
/** Code lengths of the fixed distance code. Its last two symbols are invalid. */
export const FIXED_DISTANCE_LENGTHS: Uint8Array = new Uint8Array(32).fill(5);

/** Returns the symbol of a match length. */
export function lengthSymbol(length: number): number {
  return 257 + LENGTH_BASE.findLastIndex((base) => base <= length);
}

/** Returns the symbol of a distance. */
export function distanceSymbol(distance: number): number {
  return DISTANCE_BASE.findLastIndex((base) => base <= distance);
}

/** A symbol of the code length code with its repeat count, which has `extra` bits. */
interface LengthSymbol {
  readonly symbol: number;
  readonly repeat: number;
  readonly extra: number;
}

/**
 * Writes the two codes of a dynamic block (RFC 1951, section 3.2.7) with a random choice of run lengths, or with a
 * fault.
 */
export function writeDynamicHeader(
  writer: BitWriter,
  literals: Uint8Array,
  distances: Uint8Array,
  random: Random,
  style: CodeStyle,
  fault?: DeflateFault,
): void {
  const literalLengths = spoilLiterals(literals, fault, random);
  const distanceLengths = spoilDistances(distances, fault, random);
  const literalCount =
    fault === 'too-many-literals' ? random.pick([287, 288]) : countUsed(literalLengths, 257, 286, random);
  const distanceCount =
    fault === 'too-many-distances' ? random.pick([31, 32]) : countUsed(distanceLengths, 1, 30, random);
  const all = new Uint8Array(literalCount + distanceCount);
  all.set(literalLengths.subarray(0, literalCount));
  all.set(distanceLengths.subarray(0, distanceCount), literalCount);

  const symbols = runLengths(all, random);
  if (fault === 'repeat-nothing') symbols[0] = { symbol: 16, repeat: 0, extra: 2 };
  if (fault === 'repeat-beyond-end') symbols[symbols.length - 1] = { symbol: 18, repeat: 127, extra: 7 };
  const counts = new Uint32Array(19);
  for (const { symbol } of symbols) counts[symbol]++;
  // A code length code must be complete, even if only one length is used.
  if (counts.filter((count) => count > 0).length < 2) counts[counts[0] > 0 ? 1 : 0] = 1;
  const codeLengths = chooseLengths(counts, 7, style, random);
  if (fault === 'oversubscribed-lengths') codeLengths[codeLengths.findIndex((length) => length > 1)] = 1;
  if (fault === 'incomplete-lengths') codeLengths[codeLengths.findIndex((length) => length > 0)] = 7;
  const ordered = CODE_LENGTH_ORDER.map((symbol) => codeLengths[symbol]);
  const said = random.between(Math.max(4, ordered.findLastIndex((length) => length > 0) + 1), 19);

  writer.bits(literalCount - 257, 5);
  writer.bits(distanceCount - 1, 5);
  writer.bits(said - 4, 4);
  for (const length of ordered.slice(0, said)) writer.bits(length, 3);
  const code = new PrefixCode(codeLengths);
  for (const { symbol, repeat, extra } of symbols) {
    code.write(writer, symbol);
    writer.bits(repeat, extra);
  }
}

/** Returns how many lengths to write: at least up to the last used one, sometimes some more zeros. */
function countUsed(lengths: Uint8Array, least: number, most: number, random: Random): number {
  const used = Math.max(least, lengths.findLastIndex((length) => length > 0) + 1);
  return random.chance(0.3) ? random.between(used, most) : used;
}

/**
 * Encodes lengths one by one or as runs of any size that symbols 16 (previous length), 17 and 18 (zeros) can represent.
 */
function runLengths(lengths: Uint8Array, random: Random): LengthSymbol[] {
  const symbols: LengthSymbol[] = [];
  const usesRuns = random.chance(0.8);
  for (let at = 0; at < lengths.length; ) {
    const value = lengths[at];
    let run = 1;
    while (at + run < lengths.length && lengths[at + run] === value) run++;
    const repeatsLast = at > 0 && lengths[at - 1] === value;
    if (!usesRuns || run < 3 || random.chance(0.1)) {
      symbols.push({ symbol: value, repeat: 0, extra: 0 });
      at += 1;
    } else if (repeatsLast && (value !== 0 || random.chance(0.3))) {
      const count = random.chance(0.7) ? Math.min(run, 6) : random.between(3, Math.min(run, 6));
      symbols.push({ symbol: 16, repeat: count - 3, extra: 2 });
      at += count;
    } else if (value === 0 && run >= 11 && random.chance(0.8)) {
      const count = random.chance(0.7) ? Math.min(run, 138) : random.between(11, Math.min(run, 138));
      symbols.push({ symbol: 18, repeat: count - 11, extra: 7 });
      at += count;
    } else if (value === 0) {
      const count = random.between(3, Math.min(run, 10));
      symbols.push({ symbol: 17, repeat: count - 3, extra: 3 });
      at += count;
    } else {
      symbols.push({ symbol: value, repeat: 0, extra: 0 });
      at += 1;
    }
  }
  return symbols;
}

function spoilLiterals(lengths: Uint8Array, fault: DeflateFault | undefined, random: Random): Uint8Array {
  const spoilt = new Uint8Array(288);
  spoilt.set(lengths);
  const used = [...spoilt.keys()].filter((symbol) => spoilt[symbol] > 0);
  if (fault === 'oversubscribed-literals') spoilt[random.between(0, 285)] = 1;
  if (fault === 'incomplete-literals') spoilt[random.pick(used)] = used.length > 1 ? 0 : 2;
  if (fault === 'no-end-of-block') spoilt[256] = 0;
  return spoilt;
}

function spoilDistances(lengths: Uint8Array, fault: DeflateFault | undefined, random: Random): Uint8Array {
  const spoilt = new Uint8Array(32);
  spoilt.set(lengths);
  if (fault === 'oversubscribed-distances') spoilt.set([1, 1, 1]);
  if (fault === 'incomplete-distances') spoilt.fill(0).set(random.pick([[2], [1, 2], [2, 2], [15], [0, 3, 3]]));
  return spoilt;
}
