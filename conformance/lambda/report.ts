import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '.reports');
/** For programs: an object, what was measured to its numbers. */
const NUMBERS = join(FOLDER, 'measured.json');
/** For people: a line each. */
const LINES = join(FOLDER, 'remarks.txt');

/** Forgets what an earlier run has left, the logs of the programs included. */
export function clearReport(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(NUMBERS, '{}\n');
}

/**
 * Keeps what was measured, as `.reports/measured.json` and for the end of the run.
 *
 * @param what - Name of the measurement, the same in every run.
 */
export function report(what: string, numbers: Readonly<Record<string, number>>): void {
  const known = JSON.parse(readFileSync(NUMBERS, 'utf8')) as Record<string, unknown>;
  writeFileSync(NUMBERS, `${JSON.stringify({ ...known, [what]: numbers }, null, 2)}\n`);
  const words = Object.entries(numbers).map(([name, value]) => `${name} ${Number(value.toFixed(2))}`);
  appendFileSync(LINES, `measured: ${what}: ${words.join(', ')}\n`);
}

/** Says at the end of the run what could not be tried, and the way to have it tried. */
export function reportSkipped(what: string): void {
  appendFileSync(LINES, `  skipped: ${what}\n`);
}
