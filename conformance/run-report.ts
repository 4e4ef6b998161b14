import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that a test run writes in addition to its results: measurements, and what was skipped. */
class RunReport {
  /** Folder of the report, which also contains logs of programs. */
  readonly folder: string;
  /** For programs: a JSON object of measurements by name. */
  readonly #numbers: string;
  /** For people: lines that are printed at the end of the run. */
  readonly #lines: string;

  constructor(folder: string) {
    this.folder = folder;
    this.#numbers = join(folder, 'measured.json');
    this.#lines = join(folder, 'remarks.txt');
  }

  /** Deletes the report of an earlier run. */
  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(this.#numbers, '{}\n');
  }

  /**
   * Records a measurement in `measured.json` and prints it at the end of the run.
   *
   * @param what - Name of the measurement, the same in every run.
   */
  measured(what: string, numbers: Readonly<Record<string, number>>): void {
    const known = JSON.parse(readFileSync(this.#numbers, 'utf8')) as Record<string, unknown>;
    writeFileSync(this.#numbers, `${JSON.stringify({ ...known, [what]: numbers }, null, 2)}\n`);
    const words = Object.entries(numbers).map(([name, value]) => `${name} ${Number(value.toFixed(2))}`);
    appendFileSync(this.#lines, `measured: ${what}: ${words.join(', ')}\n`);
  }

  /** Prints at the end of the run what was skipped, and what it needs. */
  skipped(what: string): void {
    appendFileSync(this.#lines, `  skipped: ${what}\n`);
  }
}

/** Reports of the suites that start real programs, each in the folder of its suite. */
export const REPORTS = {
  integrations: reportIn('integrations'),
  lambda: reportIn('lambda'),
  runtime: reportIn('runtime'),
  stack: reportIn('stack'),
  standalone: reportIn('standalone'),
} as const;

function reportIn(suite: string): RunReport {
  return new RunReport(join(import.meta.dirname, suite, '.reports'));
}
