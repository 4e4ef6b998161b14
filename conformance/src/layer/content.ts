import { Random } from '@soci/test-content';

/** Content of a file as plain data. The bytes follow from it. */
export interface Content {
  readonly kind: 'zeros' | 'noise' | 'text' | 'repeat' | 'records';
  /** Size in bytes. */
  readonly size: number;
  readonly seed: number;
}

const WORDS =
  'the of layer index span file a in to is and image digest block window checkpoint offset bytes zero header entry 0 1 2 usr lib share python node'.split(
    ' ',
  );

/** Empty content. */
export const EMPTY: Content = { kind: 'zeros', size: 0, seed: 0 };

/** Returns random content of `size` bytes. Kinds differ in how well they compress. */
export function randomContent(random: Random, size: number): Content {
  return {
    kind: random.weighted([
      [5, 'text'],
      [4, 'records'],
      [3, 'noise'],
      [2, 'zeros'],
      [3, 'repeat'],
    ]),
    size,
    seed: random.uint32(),
  };
}

/** Returns the bytes of `content`. */
export function renderContent({ kind, size, seed }: Content): Uint8Array {
  const random = new Random(seed);
  switch (kind) {
    case 'zeros':
      return new Uint8Array(size);
    case 'noise':
      return noise(size, random);
    case 'text':
      return text(size, random);
    case 'repeat':
      return repeat(size, noise(random.magnitude(1, 40_000), random));
    case 'records':
      return records(size, random);
  }
}

function noise(size: number, random: Random): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0; i < words.length; i++) words[i] = random.uint32();
  return new Uint8Array(words.buffer, 0, size);
}

function text(size: number, random: Random): Uint8Array {
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    at += bytes.write(
      `${WORDS[random.uint32() % WORDS.length]}${random.uint32() % 11 === 0 ? '\n' : ' '}`,
      at,
      'latin1',
    );
  }
  return bytes;
}

function repeat(size: number, pattern: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += pattern.length) bytes.set(pattern.subarray(0, size - at), at);
  return bytes;
}

/**
 * Makes records of a fixed size with a counter and a few random bytes, like tables in binaries: short matches at many
 * distances.
 */
function records(size: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(size);
  const width = random.between(4, 64);
  for (let at = 0, row = 0; at < size; at += width, row++) {
    bytes[at] = row;
    if (at + 1 < size) bytes[at + 1] = row >>> 8;
    const changed = random.uint32();
    const position = at + 2 + (changed % width);
    if (position < size) bytes[position] = changed >>> 8;
  }
  return bytes;
}
