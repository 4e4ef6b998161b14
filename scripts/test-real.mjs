// `pnpm test:real [FLAGS OF VITEST]`: gets the real registries and the tools that judge them, and runs our client and
// command line against them. What is not to be had is named, and the tests that need it are skipped.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getParts } from './real/parts.mjs';
import { runAttached, StepError } from './run-step.mjs';
import { QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';
import { formatCounts, readReports, removeReports, sumCounts } from './test-reports.mjs';

const TESTS = join('conformance', 'registries');
/** Lines of a registry's log that are shown after a failure; the file has them all. */
const SHOWN_LINES = 30;

try {
  await setUp();
  process.exitCode = await testRealRegistries(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function testRealRegistries(flags) {
  const { programs, absent } = await getParts();
  removeReports(ROOT, [TESTS]);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', join(ROOT, TESTS, 'vitest.config.ts'), ...flags];
  const code = await runAttached(toolNode(), args, { ...QUIET_ENV, REAL_PROGRAMS: JSON.stringify(programs) });
  if (code !== 0) showLogs(join(ROOT, TESTS, '.reports', 'logs'));
  const counts = sumCounts(readReports(ROOT, [TESTS]));
  for (const part of absent) console.log(`  skipped: ${part}`);
  console.log(formatCounts(counts));
  return code === 0 && counts.failed > 0 ? 1 : code;
}

function showLogs(folder) {
  for (const name of readdirSync(folder)) {
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
    console.log([`${join(folder, name)} ends with:`, ...lines.slice(-SHOWN_LINES)].join('\n  '));
  }
}
