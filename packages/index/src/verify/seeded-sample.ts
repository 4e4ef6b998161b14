/** Selects `count` items by `seed`, in their order. The same seed selects the same items. */
export function sampleBySeed<T>(items: readonly T[], count: number, seed: number): readonly T[] {
  if (count >= items.length) return items;
  const next = makeRandom(seed);
  const chosen = new Set<number>();
  // Floyd's algorithm: all subsets are equally likely, with `count` random numbers.
  for (let last = items.length - count; last < items.length; last += 1) {
    const drawn = Math.floor(next() * (last + 1));
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return items.filter((_, position) => chosen.has(position));
}

/** Returns a generator of numbers in [0, 1) that depend only on the seed (mulberry32). */
function makeRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
