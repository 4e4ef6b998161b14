// `pnpm test:lambda [FLAGS OF VITEST]`: gets what AWS Lambda runs functions with, and runs our bundles there. What is not to be
// had is named, and the tests that need it are skipped.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAMBDA_PARTS } from './lambda/parts.mjs';
import { getParts } from './parts.mjs';
import { runAttached, StepError } from './run-step.mjs';
import { QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';
import { formatCounts, readReports, removeReports, sumCounts } from './test-reports.mjs';

const TESTS = join('conformance', 'lambda');
/** What the tests have measured and could not try, a line each. */
const REMARKS = join(ROOT, TESTS, '.reports', 'remarks.txt');

try {
  await setUp();
  process.exitCode = await testLambda(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function testLambda(flags) {
  const { parts, absent } = await getParts(LAMBDA_PARTS);
  removeReports(ROOT, [TESTS]);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', join(ROOT, TESTS, 'vitest.config.ts'), ...flags];
  const code = await runAttached(toolNode(), args, { ...QUIET_ENV, LAMBDA_PARTS: JSON.stringify(parts) });
  if (existsSync(REMARKS)) console.log(readFileSync(REMARKS, 'utf8').trimEnd());
  const counts = sumCounts(readReports(ROOT, [TESTS]));
  for (const part of absent) console.log(`  skipped: ${part}`);
  console.log(formatCounts(counts));
  return code === 0 && counts.failed > 0 ? 1 : code;
}
