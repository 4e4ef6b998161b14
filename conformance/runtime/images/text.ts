import type { Random } from '@soci/test-content';

const WORDS = 5_000;

/** Returns text of random words. It compresses about as well as the files of real images. */
export function makeText(random: Random, size: number): Uint8Array {
  const text = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    // A word is determined by its number.
    let seed = random.below(WORDS) + 1;
    for (let length = 2 + (seed % 8); length > 0 && at < size; length--) {
      text[at++] = 0x61 + (seed % 26);
      seed = (seed * 31 + 7) % 7919;
    }
    if (at < size) text[at++] = random.below(12) === 0 ? 0x0a : 0x20;
  }
  return text;
}
