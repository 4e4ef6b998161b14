// Runs the tests in a folder of conformance/ that need tools from outside npm. Starts before the installation: plain
// JavaScript for Node >= 20.19 that imports only node: modules.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runAttached, StepError } from '../../scripts/run-step.mjs';
import { QUIET_ENV, ROOT, setUp, toolNode } from '../../scripts/setup.mjs';
import { formatCounts, readReports, removeReports, sumCounts } from '../../scripts/test-reports.mjs';

/** Variable with the path of each tool, as JSON. tools.ts reads it. */
const VARIABLE = 'CONFORMANCE_TOOLS';

/**
 * A tool of the tests. `get` returns its path, or undefined if it is not available. `remedy` says how to get it.
 *
 * @typedef {{ name: string, what: string, get: () => Promise<string | undefined>, remedy: string }} Tool
 */

/**
 * @typedef {object} Suite
 * @property {string} folder Folder of the tests in `conformance`.
 * @property {readonly Tool[]} tools
 * @property {Readonly<Record<string, string>>} [env] Additional environment variables of the tests.
 * @property {() => Promise<void>} [prepare] Runs before the tools are installed.
 * @property {(reports: string) => void} [afterFailure] Prints more about a failure. Its argument is the folder of the
 * reports.
 */

/**
 * Runs a suite with the arguments of this process, which go to vitest. Prints measurements, missing tools, whose tests
 * are skipped, and the number of tests. Sets the exit code of the process.
 *
 * @param {Suite} suite
 */
export async function runSuite(suite) {
  try {
    await setUp();
    process.exitCode = await run(suite);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function run({ folder, tools, env, prepare, afterFailure }) {
  const tests = join('conformance', folder);
  await prepare?.();
  const { paths, absent } = await getTools(tools);
  removeReports(ROOT, [tests]);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', join(ROOT, tests, 'vitest.config.ts'), ...process.argv.slice(2)];
  const code = await runAttached(toolNode(), args, { ...QUIET_ENV, ...env, [VARIABLE]: JSON.stringify(paths) });
  const reports = join(ROOT, tests, '.reports');
  if (code !== 0) afterFailure?.(reports);
  const remarks = join(reports, 'remarks.txt');
  if (existsSync(remarks)) console.log(readFileSync(remarks, 'utf8').trimEnd());
  for (const tool of absent) console.log(`  skipped: ${tool}`);
  const counts = sumCounts(readReports(ROOT, [tests]));
  console.log(formatCounts(counts));
  return code === 0 && counts.failed > 0 ? 1 : code;
}

/** Gets all tools at the same time: most wait for a download, others for one processor. */
async function getTools(tools) {
  const found = await Promise.all(tools.map(async (tool) => ({ ...tool, path: await tool.get() })));
  const paths = Object.fromEntries(found.flatMap(({ name, path }) => (path === undefined ? [] : [[name, path]])));
  const absent = found.filter(({ path }) => path === undefined);
  return { paths, absent: absent.map(({ what, remedy }) => `${what} is missing. ${remedy}`) };
}
