import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the run keeps what it leaves: results, logs of programs, templates. */
export const REPORTS: string = join(import.meta.dirname, '.reports');

const NUMBERS = join(REPORTS, 'measured.json');
const LINES = join(REPORTS, 'remarks.txt');

/** Forgets what an earlier run has left. */
export function clearReport(): void {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
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
