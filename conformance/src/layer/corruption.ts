import type { Random } from '@soci/test-content';

/** A corruption of bytes. Positions are fractions of the length, so that they stay in place while a case is shrunk. */
export type Corruption =
  | { readonly kind: 'flip'; readonly at: number; readonly xor: number }
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'cut-bytes'; readonly count: number }
  | { readonly kind: 'drop'; readonly at: number; readonly count: number }
  | { readonly kind: 'append'; readonly latin1: string };

/** Bytes that follow the last member of some layers. */
const TRAILERS = [
  '\0',
  '\0'.repeat(512),
  'garbage',
  '\x1f',
  '\x1f\x8b',
  '\x1f\x8b\x08',
  '\x1f\x8b\x08\0\0\0\0\0\0\xff',
  '\n',
];

/** Returns a random corruption. */
export function randomCorruption(random: Random): Corruption {
  switch (
    random.weighted([
      [5, 'flip'],
      [2, 'cut'],
      [2, 'cut-bytes'],
      [1, 'drop'],
      [2, 'append'],
    ] as const)
  ) {
    case 'flip':
      return {
        kind: 'flip',
        at: position(random),
        xor: random.chance(0.7) ? 1 << random.between(0, 7) : random.between(1, 255),
      };
    case 'cut':
      return { kind: 'cut', at: position(random) };
    case 'cut-bytes':
      return { kind: 'cut-bytes', count: random.magnitude(1, 1024) };
    case 'drop':
      return { kind: 'drop', at: position(random), count: random.magnitude(1, 2000) };
    case 'append':
      return { kind: 'append', latin1: random.pick(TRAILERS) };
  }
}

/** Returns a position. Positions near both ends, where headers and trailers are, are more likely. */
function position(random: Random): number {
  const at = random.fraction();
  return random.weighted([
    [2, at],
    [1, at ** 8],
    [1, 1 - at ** 8],
  ]);
}

/** Returns a copy of `bytes` with all `corruptions` applied in order. */
export function corrupt(bytes: Uint8Array, corruptions: readonly Corruption[]): Uint8Array {
  return corruptions.reduce(spoil, bytes);
}

function spoil(bytes: Uint8Array, corruption: Corruption): Uint8Array {
  switch (corruption.kind) {
    case 'flip': {
      const copy = new Uint8Array(bytes);
      const at = Math.min(Math.floor(corruption.at * bytes.length), bytes.length - 1);
      if (at >= 0) copy[at] = (copy[at] ?? 0) ^ corruption.xor;
      return copy;
    }
    case 'cut':
      return bytes.subarray(0, Math.floor(corruption.at * bytes.length));
    case 'cut-bytes':
      return bytes.subarray(0, Math.max(0, bytes.length - corruption.count));
    case 'drop': {
      const at = Math.floor(corruption.at * bytes.length);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + corruption.count)]);
    }
    case 'append':
      return Buffer.concat([bytes, Buffer.from(corruption.latin1, 'latin1')]);
  }
}
