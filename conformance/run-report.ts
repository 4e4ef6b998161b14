import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a run of tests leaves beside its results: what it has measured, and what it could not try. */
export class RunReport {
  /** Where it lies, with the logs of programs. */
  readonly folder: string;
  /** For programs: an object, what was measured to its numbers. */
  readonly #numbers: string;
  /** For people, printed when the run is over: a line each. */
  readonly #lines: string;

  constructor(folder: string) {
    this.folder = folder;
    this.#numbers = join(folder, 'measured.json');
    this.#lines = join(folder, 'remarks.txt');
  }

  /** Forgets what an earlier run has left. */
  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(this.#numbers, '{}\n');
  }

  /**
   * Keeps what was measured, in `measured.json` and for the end of the run.
   *
   * @param what - Name of the measurement, the same in every run.
   */
  measured(what: string, numbers: Readonly<Record<string, number>>): void {
    const known = JSON.parse(readFileSync(this.#numbers, 'utf8')) as Record<string, unknown>;
    writeFileSync(this.#numbers, `${JSON.stringify({ ...known, [what]: numbers }, null, 2)}\n`);
    const words = Object.entries(numbers).map(([name, value]) => `${name} ${Number(value.toFixed(2))}`);
    appendFileSync(this.#lines, `measured: ${what}: ${words.join(', ')}\n`);
  }

  /** Says at the end of the run what could not be tried, and the way to have it tried. */
  skipped(what: string): void {
    appendFileSync(this.#lines, `  skipped: ${what}\n`);
  }
}
