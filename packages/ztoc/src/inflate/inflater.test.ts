import { constants, crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { seededRandom } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { mixedBytes } from '../gzip/fixtures/layer-data.ts';
import { Inflater } from './inflater.ts';

interface Inflated {
  readonly output: Uint8Array;
  /** Boundaries at which the inflater stopped, as `input offset / unused bits / output offset`. */
  readonly boundaries: readonly string[];
  readonly inputOffset: number;
}

/** Inflates a raw deflate stream in chunks of `step` bytes. */
function inflate(deflated: Uint8Array, step: number, stopAfter = Number.POSITIVE_INFINITY): Inflated | string {
  const inflater = new Inflater();
  try {
    return inflateWith(inflater, deflated, step, stopAfter);
  } finally {
    inflater.close();
  }
}

function inflateWith(inflater: Inflater, deflated: Uint8Array, step: number, stopAfter: number): Inflated | string {
  const chunks: Uint8Array[] = [];
  const boundaries: string[] = [];
  inflater.stopAfter(stopAfter);
  inflater.beginMember();
  for (let at = 0; ; ) {
    const status = inflater.run();
    if (typeof status === 'object') return status.fault;
    if (status === 'at-boundary') {
      boundaries.push(`${inflater.inputOffset}/${inflater.unusedBits}/${inflater.outputOffset}`);
    } else if (status === 'need-input') {
      if (at === deflated.length) return 'truncated';
      at += inflater.feed(deflated.subarray(0, Math.min(at + step, deflated.length)), at, Number.POSITIVE_INFINITY);
    } else {
      chunks.push(inflater.takeOutput().slice());
      inflater.makeRoom();
      if (status === 'need-output') continue;
      inflater.endMember();
      return { output: Buffer.concat(chunks), boundaries, inputOffset: inflater.inputOffset };
    }
  }
}

/** Headers of blocks with codes of one bit for code length 1, of two bits for 0 and for a run of zeros. */
const CODE_LENGTH_CODES = '0111 000 000 010 010 000 000 000 000 000 000 000 000 000 000 000 000 000 100';
const ZEROS_256 = '11 1111111 11 1101011';
/** The end of the block has the code 0. The code 1 is unused, as is the only distance. */
const ONE_LITLEN_CODE = `1 01 00000 00000 ${CODE_LENGTH_CODES} ${ZEROS_256} 0 10`;
/** The end of the block has the code 0, a length of 3 the code 1. The only distance, 1, has the code 0. */
const ONE_DISTANCE_CODE = `1 01 10000 00000 ${CODE_LENGTH_CODES} ${ZEROS_256} 0 0 0`;
const NO_DISTANCE_CODE = `1 01 10000 00000 ${CODE_LENGTH_CODES} ${ZEROS_256} 0 0 10`;

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;

describe('Inflater', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('inflates data compressed by zlib at level %i', (level) => {
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]) {
      const bytes = mixedBytes(700_000, level * 10 + strategy);
      const deflated = deflateRawSync(bytes, { level, strategy, memLevel: 1 + ((level + strategy) % 9) });
      const inflated = inflate(deflated, 100_000) as Inflated;
      expect(Buffer.compare(inflated.output, bytes)).toBe(0);
      expect(inflated.inputOffset).toBe(deflated.length);
    }
  });

  it('resumes at any byte of input', () => {
    const bytes = mixedBytes(20_000, 7);
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED]) {
      const deflated = deflateRawSync(bytes, { strategy, memLevel: 2 });
      const whole = inflate(deflated, deflated.length, -1) as Inflated;
      for (const step of [1, 2, 3, 5, 7, 31, 33, 64]) {
        const chunked = inflate(deflated, step, -1) as Inflated;
        expect(Buffer.compare(chunked.output, bytes)).toBe(0);
        expect(chunked.boundaries).toEqual(whole.boundaries);
      }
    }
  });

  it('copies matches of every length from every short distance', () => {
    for (let distance = 1; distance <= 40; distance++) {
      const pattern = mixedBytes(distance, distance);
      const bytes = new Uint8Array(1200).map((_, i) => pattern[i % distance] ?? 0);
      expect((inflate(deflateRawSync(bytes), 1 << 16) as Inflated).output).toEqual(Buffer.from(bytes));
    }
  });

  it('decodes every length of match, whatever the length of its code', () => {
    // The more literals a block has, the longer are the codes of its lengths: with the extra bits within an index of the
    // table, beyond it, or in a subtable.
    const noise = randomBytes(31_000, 1);
    for (const literals of [0, 1000, 8000, 28_000]) {
      for (const stride of [1, 9, 40]) {
        const pieces: Uint8Array[] = [noise.subarray(0, 2000)];
        for (let length = 3; length <= 258; length += stride) {
          pieces.push(noise.subarray(length, 2 * length), Uint8Array.of(length));
        }
        pieces.push(noise.subarray(2000, 2000 + literals));
        const bytes = Buffer.concat(pieces);
        const deflated = deflateRawSync(bytes, { level: 9, memLevel: 9 });
        for (const step of [1, 40, 97, deflated.length]) {
          expect(Buffer.compare((inflate(deflated, step) as Inflated).output, bytes)).toBe(0);
        }
      }
    }
  });

  it('resumes at any byte within a run of literals with long codes', () => {
    // Six frequent literals with codes of one to six bits leave thirteen bits for each of 128 rare ones, which come first.
    const pieces = [Uint8Array.from({ length: 256 }, (_, i) => i >> 1)];
    for (let literal = 128; literal < 134; literal++)
      pieces.push(new Uint8Array(16_384 >> (literal - 128)).fill(literal));
    const bytes = Buffer.concat(pieces);
    const deflated = deflateRawSync(bytes, { strategy: Z_HUFFMAN_ONLY, memLevel: 9 });
    const other = deflateRawSync(randomBytes(1000, 1), { level: 0 });
    for (let step = 33; step < 300; step++) {
      inflate(other, other.length); // Otherwise the memory still has the bytes after the input from the step before.
      expect(Buffer.compare((inflate(deflated, step) as Inflated).output, bytes)).toBe(0);
    }
  });

  it('stops for output at any byte', () => {
    // Matches and runs of one to three literals end before, at, and after the end of a part of the output.
    const bytes = mixedBytes(270_000, 5);
    for (let shift = 0; shift < 300; shift += 13) {
      const shifted = Buffer.concat([randomBytes(shift, shift), bytes]);
      const inflated = inflate(deflateRawSync(shifted), 1 << 20) as Inflated;
      expect(Buffer.compare(inflated.output, shifted)).toBe(0);
    }
  });

  it('accepts a block that has only the code for its end', () => {
    expect((inflate(packBits(`${ONE_LITLEN_CODE} 0`), 1000) as Inflated).output).toHaveLength(0);
  });

  it('stops before block headers after the threshold, but not after the final block has started', () => {
    // Stored blocks of 65,535 bytes: each has a header of five bytes, on a byte boundary.
    const deflated = deflateRawSync(mixedBytes(200_000, 3), { level: 0, memLevel: 9 });
    const all = inflate(deflated, deflated.length, -1) as Inflated;
    expect(all.boundaries[0]).toBe('0/0/0');
    const outputs = all.boundaries.map((boundary) => Number(boundary.split('/')[2]));
    const late = inflate(deflated, deflated.length, outputs[1]) as Inflated;
    expect(late.boundaries).toEqual(all.boundaries.slice(2));
    expect(outputs.every((output) => output < 200_000)).toBe(true);
  });

  it('starts at any boundary with the window and the unused bits', () => {
    const bytes = mixedBytes(300_000, 11);
    const deflated = deflateRawSync(bytes, { memLevel: 3 });
    const { boundaries } = inflate(deflated, deflated.length, -1) as Inflated;
    expect(boundaries.length).toBeGreaterThan(20);
    for (const boundary of boundaries) {
      const [inputOffset, bits, outputOffset] = boundary.split('/').map(Number) as [number, number, number];
      const window = new Uint8Array(32_768);
      const history = bytes.subarray(Math.max(0, outputOffset - 32_768), outputOffset);
      window.set(history, 32_768 - history.length);
      const inflater = new Inflater();
      inflater.beginAt(window, bits, bits === 0 ? 0 : deflated.readUInt8(inputOffset - 1));
      inflater.stopAfter(Number.POSITIVE_INFINITY);
      inflater.feed(deflated, inputOffset, Number.POSITIVE_INFINITY);
      inflater.run();
      const output = inflater.takeOutput();
      expect(output.length).toBeGreaterThan(0);
      expect(Buffer.compare(output, bytes.subarray(outputOffset, outputOffset + output.length))).toBe(0);
      inflater.close();
    }
  });

  // Hand-written streams: bits are written lowest first, as packed by RFC 1951.
  it.each<[fault: string, bits: string]>([
    ['invalid block type', '1 11'],
    ['the lengths of a stored block do not match', '1 00 00000 1000000000000000 1111111111111111'],
    ['too many length or distance symbols', '1 01 11111 00000 0000'],
    ['too many length or distance symbols', '1 01 00000 11111 0000'],
    ['invalid code lengths', '1 01 00000 00000 0000 100 100 100 100'],
    ['invalid code length repeat', '1 01 00000 00000 0000 100 100 000 000 0 00'],
    ['the code for the end of the block is missing', '1 01 00000 00000 0000 000 000 100 100 1 1111111 1 1011011'],
    ['invalid literal/length code', '1 10 11000110'],
    ['invalid literal/length code', `${ONE_LITLEN_CODE} 1`],
    ['invalid distance code', '1 10 0000001 11110'],
    ['invalid distance code', `${ONE_DISTANCE_CODE} 1 1`],
    ['a distance reaches back too far', `${ONE_DISTANCE_CODE} 1 0`],
    ['invalid distance code', `${NO_DISTANCE_CODE} 1 0`],
    ['a distance reaches back too far', '1 10 00110000 0000001 00001'],
  ])('reports: %s', (fault, bits) => {
    expect(inflate(packBits(bits), 1000)).toBe(fault);
  });

  it('accepts and rejects the same streams as zlib, with the same output', () => {
    const random = seededRandom(1951);
    let rejected = 0;
    for (let round = 0; round < 3000; round++) {
      const deflated = new Uint8Array(
        deflateRawSync(mixedBytes(30 + random(300), round), { level: random(10), strategy: random(5), memLevel: 1 }),
      );
      for (let faults = random(4); faults > 0; faults--) {
        const at = random(deflated.length);
        deflated[at] = Number(deflated[at]) ^ (1 << random(8));
      }
      let expected: Uint8Array | undefined;
      try {
        expected = inflateRawSync(deflated);
      } catch {
        rejected += 1;
      }
      const inflated = inflate(deflated, 1 + random(deflated.length));
      if (expected === undefined) expect(inflated).toBeTypeOf('string');
      else expect(Buffer.compare((inflated as Inflated).output, expected)).toBe(0);
    }
    expect(rejected).toBeGreaterThan(500);
  });

  it.each([0, 1, 15, 16, 17, 4017, 4018, 4032, 4033, 36_992, 300_000])(
    'computes the CRC-32 of %i bytes, whatever their pieces',
    (size) => {
      const bytes = mixedBytes(size, size);
      const deflated = deflateRawSync(bytes);
      for (const largest of [size, 1000, 40]) {
        const random = seededRandom(size + largest);
        const inflater = new Inflater();
        inflater.beginMember();
        let status = inflater.run();
        for (let at = 0; ; status = inflater.run()) {
          const output = inflater.takeOutput();
          for (let from = 0, to = 0; from < output.length; from = to) {
            to = Math.min(output.length, from + 1 + random(largest));
            inflater.addToCrc(output.subarray(from, to));
          }
          if (status === 'at-end') break;
          if (status === 'need-output') inflater.makeRoom();
          else at += inflater.feed(deflated, at, Number.POSITIVE_INFINITY);
        }
        expect(inflater.finishCrc()).toBe(crc32(bytes));
        inflater.close();
      }
    },
  );
});

function randomBytes(size: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => random(256));
}

/** Packs groups of bits, each written in the order of the stream. */
function packBits(groups: string): Uint8Array {
  const bits = groups.replaceAll(' ', '').padEnd(400, '0');
  return Uint8Array.from({ length: bits.length / 8 }, (_, i) =>
    Number.parseInt([...bits.slice(i * 8, i * 8 + 8)].reverse().join(''), 2),
  );
}
