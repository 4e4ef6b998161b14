/**
 * Seeded random number generator: the same seed produces the same values on every machine.
 * Uses sfc32 (Doty-Humphrey, PractRand).
 */
export class Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c = 0xb7e15162;
  #counter = 1;

  /** @param seeds - Integers that are combined to the seed. */
  constructor(...seeds: readonly number[]) {
    for (const seed of seeds) {
      this.#a ^= seed | 0;
      this.#b ^= Math.trunc(seed / 2 ** 32);
      for (let i = 0; i < 12; i++) this.uint32();
    }
  }

  /** Returns an integer from 0 to 2^32 - 1. */
  uint32(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** Returns a number in [0, 1). */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Returns an integer from `low` to `high`, inclusive. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** Returns an integer from `low` to `high` with uniform logarithm: 10 to 100 is as likely as 100 to 1000. */
  magnitude(low: number, high: number): number {
    const shift = low < 1 ? 1 - low : 0;
    const exponent = Math.log(low + shift) + this.fraction() * (Math.log(high + shift + 1) - Math.log(low + shift));
    return Math.max(low, Math.min(Math.floor(high), Math.floor(Math.exp(exponent)) - shift));
  }

  /** Returns an integer from 0 to `bound` - 1. */
  below(bound: number): number {
    return this.uint32() % bound;
  }

  /** Returns random, incompressible bytes. */
  bytes(size: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(size / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.uint32();
    return new Uint8Array(words.buffer, 0, size);
  }

  /** Returns true with the given probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Returns one of `choices`. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)] as T;
  }

  /** Returns one of `choices` with probability proportional to its weight. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.fraction() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    return (choices.at(-1) as readonly [number, T])[1];
  }

  /** Returns the results of `count` calls of `make`. */
  list<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }
}

/** Returns random, incompressible bytes for a seed. */
export function noise(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  return new Random(seed).bytes(size);
}

/** Returns a function that generates integers from 0 to `bound` - 1, the same sequence for the same seed. */
export function seededRandom(seed: number): (bound: number) => number {
  const random = new Random(seed);
  return (bound) => random.below(bound);
}
