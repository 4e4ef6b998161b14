import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAttached, StepError } from './run-step.mjs';
import { QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';
import { formatCounts, readReports, removeReports, sumCounts } from './test-reports.mjs';

/**
 * Tests of `conformance/` that need parts which npm does not bring.
 *
 * @typedef {object} Suite
 * @property {string} folder of the tests, in `conformance`
 * @property {() => Promise<{ parts: Record<string, string>, absent: string[] }>} getParts gets the parts: where each is; and
 * of those that are not to be had, what to do
 * @property {string} variable of the environment, by which the tests are told where the parts are, as JSON
 * @property {(reports: string) => void} [afterFailure] shows more, of what lies in the folder of the reports
 */

/**
 * Runs one with the flags of this process, which are vitest's: says what was measured, names what is not to be had, whose tests
 * are skipped, and counts. The exit code of the process is its result.
 *
 * @param {Suite} suite
 */
export async function runConformance(suite) {
  try {
    await setUp();
    process.exitCode = await run(suite);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function run({ folder, getParts, variable, afterFailure }) {
  const tests = join('conformance', folder);
  const { parts, absent } = await getParts();
  removeReports(ROOT, [tests]);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', join(ROOT, tests, 'vitest.config.ts'), ...process.argv.slice(2)];
  const code = await runAttached(toolNode(), args, { ...QUIET_ENV, [variable]: JSON.stringify(parts) });
  const reports = join(ROOT, tests, '.reports');
  if (code !== 0) afterFailure?.(reports);
  const remarks = join(reports, 'remarks.txt');
  if (existsSync(remarks)) console.log(readFileSync(remarks, 'utf8').trimEnd());
  for (const part of absent) console.log(`  skipped: ${part}`);
  const counts = sumCounts(readReports(ROOT, [tests]));
  console.log(formatCounts(counts));
  return code === 0 && counts.failed > 0 ? 1 : code;
}
