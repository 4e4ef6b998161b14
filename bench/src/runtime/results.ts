import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CACHE } from '../data.ts';
import { type Cell, keyOf } from './plan.ts';
import type { Prediction } from './prediction.ts';

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

/** Content of the file. */
interface ResultsDocument {
  readonly starts: Record<string, Start[]>;
  /** By workload. */
  readonly predictions: Record<string, Prediction>;
}

/** Measurements of the benchmark that are kept between invocations. */
export class Results {
  readonly #file: string;
  readonly #starts: Record<string, Start[]>;
  readonly #predictions: Record<string, Prediction>;

  /** Reads the results of earlier invocations. @param isNew - Forgets them. */
  constructor(isNew: boolean, file = join(CACHE, 'runtime-results.json')) {
    this.#file = file;
    const { starts = {}, predictions = {} } =
      !isNew && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<ResultsDocument>) : {};
    this.#starts = starts;
    this.#predictions = predictions;
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

  /** Returns how well the prediction for a workload matches. */
  predictionOf(workload: string): Prediction | undefined {
    return this.#predictions[workload];
  }

  /** Sets how well the prediction for a workload matches, and saves all. */
  setPrediction(workload: string, prediction: Prediction): void {
    this.#predictions[workload] = prediction;
    this.#save();
  }

  #save(): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    const document: ResultsDocument = { starts: this.#starts, predictions: this.#predictions };
    writeFileSync(`${this.#file}.part`, `${JSON.stringify(document, undefined, 1)}\n`);
    renameSync(`${this.#file}.part`, this.#file);
  }
}
