import { byteAt, toByteString } from '../byte-strings.ts';

const SLASH = 0x2f;
const DOT = 0x2e;
const FNV_PRIME = 0x01000193;
/**
 * Different seeds make the two 32-bit hashes of a name independent. They are random, because a layer could otherwise have
 * names with equal hashes: 80,000 of them took 15 s.
 */
const SEEDS = [randomSeed(), randomSeed()] as const;

/** Two independent 32-bit hashes of a path, to which names are added. */
export class PathHash {
  #first: number = SEEDS[0];
  #second: number = SEEDS[1];

  /** The first hash, which is not 0. */
  get first(): number {
    return mix(this.#first) || 1;
  }

  /** The second hash. */
  get second(): number {
    return mix(this.#second);
  }

  /** Returns to the root. */
  reset(): void {
    this.#first = SEEDS[0];
    this.#second = SEEDS[1];
  }

  /** Adds a name: the bytes from `start` to `end`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    let first = Math.imul(this.#first ^ SLASH, FNV_PRIME);
    let second = Math.imul(this.#second ^ SLASH, FNV_PRIME);
    for (let at = start; at < end; at++) {
      const byte = byteAt(bytes, at);
      first = Math.imul(first ^ byte, FNV_PRIME);
      second = Math.imul(second ^ byte, FNV_PRIME);
    }
    this.#first = first;
    this.#second = second;
  }
}

/**
 * A path as the names between its slashes, without empty names, `.` and `..`, like Go's `filepath.Clean('/' + path)`. The
 * names are positions in the path's bytes. Reused for the next path, because a layer can have millions of them.
 */
export class PathNames {
  /** Number of names. 0 for the root. */
  length = 0;
  readonly #bounds: number[] = [];
  readonly #hash = new PathHash();
  #bytes: Uint8Array = new Uint8Array(0);

  /** Splits a path: the bytes from `start` to `end`. */
  set(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.#bytes = bytes;
    this.length = 0;
    let first = start;
    for (let at = start; at <= end; at++) {
      if (at < end && byteAt(bytes, at) !== SLASH) continue;
      this.#add(first, at);
      first = at + 1;
    }
    return this;
  }

  /** Returns the position of the first byte of a name. */
  start(name: number): number {
    return this.#bounds[2 * name] as number;
  }

  /** Returns the position after the last byte of a name. */
  end(name: number): number {
    return this.#bounds[2 * name + 1] as number;
  }

  /** Returns the hash of a name alone. The next hash overwrites it. */
  hashOfName(name: number): PathHash {
    this.#hash.reset();
    this.#append(this.#hash, name);
    return this.#hash;
  }

  /**
   * Calls `visit` for each directory of the path, from the top, and for the path itself, with two hashes of the path up to
   * there. The first hash is not 0. Takes time in proportion to the length of the path.
   */
  visitPrefixes(visit: (first: number, second: number, count: number) => void): void {
    const hash = new PathHash();
    for (let name = 0; name < this.length; name++) {
      this.#append(hash, name);
      visit(hash.first, hash.second, name + 1);
    }
  }

  /** The hash of the path. The next hash overwrites it. */
  get hash(): PathHash {
    this.#hash.reset();
    for (let name = 0; name < this.length; name++) this.#append(this.#hash, name);
    return this.#hash;
  }

  #append(hash: PathHash, name: number): void {
    hash.append(this.#bytes, this.#bounds[2 * name] as number, this.#bounds[2 * name + 1] as number);
  }

  /** Returns the first `count` names, joined by slashes, as a string with one character per byte. */
  join(count: number): string {
    const names: string[] = [];
    for (let name = 0; name < count; name++) {
      names.push(toByteString(this.#bytes, this.#bounds[2 * name], this.#bounds[2 * name + 1]));
    }
    return names.join('/');
  }

  #add(start: number, end: number): void {
    const bytes = this.#bytes;
    if (end === start || (end === start + 1 && bytes[start] === DOT)) return;
    if (end === start + 2 && bytes[start] === DOT && bytes[start + 1] === DOT) {
      if (this.length > 0) this.length -= 1;
      return;
    }
    this.#bounds[2 * this.length] = start;
    this.#bounds[2 * this.length + 1] = end;
    this.length += 1;
  }
}

function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/** Ends a hash: FNV-1a mixes the last bytes poorly. */
function mix(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
