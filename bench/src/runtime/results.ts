import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CACHE } from '../data.ts';
import { type Cell, keyOf } from './plan.ts';

/** One start of a container, from an empty machine to the first output. */
export interface Start {
  readonly seconds: number;
  /** Bytes of all response bodies. */
  readonly bytes: number;
  readonly requests: number;
  /** Digest of the pulled image. */
  readonly image: string;
  /** Time of the measurement, in ISO 8601. */
  readonly at: string;
}

/** Measurements of the benchmark that are kept between invocations. */
export class Results {
  readonly #file: string;
  readonly #starts: Record<string, Start[]>;

  /** Reads the results of earlier invocations. @param isNew - Forgets them. */
  constructor(isNew: boolean, file = join(CACHE, 'runtime-results.json')) {
    this.#file = file;
    this.#starts =
      !isNew && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Start[]>) : {};
  }

  /** Returns the measurements of a cell, in order. */
  of(cell: Cell): readonly Start[] {
    return this.#starts[keyOf(cell)] ?? [];
  }

  /** Adds a measurement and saves all. */
  add(cell: Cell, start: Start): void {
    this.#starts[keyOf(cell)] = [...this.of(cell), start];
    this.#save();
  }

  /** Forgets the measurements of a cell with another image than `image`. @returns their number */
  forgetOthers(cell: Cell, image: string): number {
    const all = this.of(cell);
    const same = all.filter((start) => start.image === image);
    if (same.length < all.length) {
      this.#starts[keyOf(cell)] = same;
      this.#save();
    }
    return all.length - same.length;
  }

  #save(): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.part`, `${JSON.stringify(this.#starts, undefined, 1)}\n`);
    renameSync(`${this.#file}.part`, this.#file);
  }
}
