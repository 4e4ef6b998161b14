/**
 * A seeded source of choices: the same seed makes the same layers on every machine.
 * The generator is sfc32 (Doty-Humphrey, PractRand), four words of state.
 */
export class Random {
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #c = 0xb7e15162;
  #counter = 1;

  /** @param seeds Any integers; together they are the seed. */
  constructor(...seeds: readonly number[]) {
    for (const seed of seeds) {
      this.#a ^= seed | 0;
      this.#b ^= Math.trunc(seed / 2 ** 32);
      for (let i = 0; i < 12; i++) this.uint32();
    }
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** A number from 0 up to, not including, 1. */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** An integer from `low` to `high` whose logarithm is evenly spread: as many between 10 and 100 as between 100 and 1000. */
  magnitude(low: number, high: number): number {
    const shift = low < 1 ? 1 - low : 0;
    const exponent = Math.log(low + shift) + this.fraction() * (Math.log(high + shift + 1) - Math.log(low + shift));
    return Math.max(low, Math.min(Math.floor(high), Math.floor(Math.exp(exponent)) - shift));
  }

  /** An integer from 0 up to, not including, `bound`. */
  below(bound: number): number {
    return this.uint32() % bound;
  }

  /** Bytes that no compressor makes smaller. */
  bytes(size: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(size / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.uint32();
    return new Uint8Array(words.buffer, 0, size);
  }

  /** True `probability` of the time. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of `choices`. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)] as T;
  }

  /** One of `choices`, each as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.fraction() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    return (choices.at(-1) as readonly [number, T])[1];
  }

  /** As many of `make()` as asked for. */
  list<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }
}

/** Bytes that no compressor makes smaller, the same in each run. */
export function noise(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  return new Random(seed).bytes(size);
}

/** Integers from 0 up to, not including, the bound that is asked for: the same for the same seed. */
export function randomOf(seed: number): (bound: number) => number {
  const random = new Random(seed);
  return (bound) => random.below(bound);
}
