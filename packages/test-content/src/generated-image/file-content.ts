import { createHash } from 'node:crypto';
import { Random } from '../random.ts';

/** Kinds of files, by how well they compress. */
export type Kind = 'noise' | 'program' | 'text' | 'zeros';

const WORDS = 4000;

/** Returns bytes of a kind. They depend only on the seed. */
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

/** Returns incompressible bytes, like those of archives and images. */
function noise(size: number, seed: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(`noise ${seed}`).digest();
}

/** Returns bytes like those of libraries: a few hundred sequences with unique bytes between them. Compresses to about 40 %. */
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

/** Returns text like that of sources and documents: words with different frequencies. Compresses to about 30 %. */
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
