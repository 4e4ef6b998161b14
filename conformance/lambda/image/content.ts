import { createHash } from 'node:crypto';
import { Random } from '@soci/test-content';

/** What files are like, by how far they can be compressed. */
export type Kind = 'noise' | 'program' | 'text' | 'zeros';

const WORDS = 4000;

/** Bytes of a kind: the same for the same seed. */
export function makeContent(kind: Kind, size: number, seed: number): Buffer {
  switch (kind) {
    case 'noise':
      return noise(size, seed);
    case 'program':
      return program(size, seed);
    case 'text':
      return text(size, seed);
    case 'zeros':
      return Buffer.alloc(size);
  }
}

/** As in archives and pictures: nothing to compress. */
function noise(size: number, seed: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(`noise ${seed}`).digest();
}

/** As in libraries: a few hundred sequences with bytes of their own between them, to about 40 % of the size. */
function program(size: number, seed: number): Buffer {
  const random = new Random(seed);
  const unique = noise(size, seed);
  const sequences = random.list(400, () => noise(random.between(4, 24), random.uint32()));
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    at += random.pick(sequences).copy(bytes, at);
    const own = random.between(0, 6);
    unique.copy(bytes, at, at, at + own);
    at += own;
  }
  return bytes;
}

/** As in sources and documents: words, some far more often than others, to about 30 % of the size. */
function text(size: number, seed: number): Buffer {
  const random = new Random(seed);
  const words = random.list(WORDS, () => noise(random.between(1, 6), random.uint32()).toString('hex'));
  const bytes = Buffer.alloc(size, ' ');
  for (let at = 0; at < size; ) {
    const word = words[random.magnitude(0, WORDS - 1)] ?? '';
    at += bytes.write(random.chance(0.1) ? `${word}\n` : `${word} `, at);
  }
  return bytes;
}
