// `pnpm test:filter [FLAGS OF VITEST]`: holds @soci/filter against Python's fnmatch and AWS's own matcher of event patterns.
// Which of them is not to be had is named, and the tests that need it are skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runAttached, runStep, StepError } from './run-step.mjs';
import { QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';
import { formatCounts, readReports, removeReports, sumCounts } from './test-reports.mjs';

const TESTS = join('conformance', 'filter');
/** The jars of conformance/filter/ruler/pom.xml; the version is that file's. */
const JARS = join(ROOT, '.cache', 'event-ruler-1.7.3');

try {
  await setUp();
  process.exitCode = await testFilter(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function testFilter(flags) {
  const absent = [];
  const judges = {};
  if (answers('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'])) judges.python = 'python3';
  else absent.push('Python is absent: have python3, 3.9 or newer, on PATH.');
  if (await getRuler()) judges.ruler = join(JARS, '*');
  else absent.push('event-ruler is absent: have a JDK, 11 or newer, and mvn on PATH, with access to Maven Central.');

  removeReports(ROOT, [TESTS]);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', join(ROOT, TESTS, 'vitest.config.ts'), ...flags];
  const code = await runAttached(toolNode(), args, { ...QUIET_ENV, FILTER_JUDGES: JSON.stringify(judges) });
  const counts = sumCounts(readReports(ROOT, [TESTS]));
  for (const part of absent) console.log(`  skipped: ${part}`);
  console.log(formatCounts(counts));
  return code === 0 && counts.failed > 0 ? 1 : code;
}

/** Has Maven get the matcher, once; whether it is there, and Java to run it. */
async function getRuler() {
  if (!answers('javac', ['--version'])) return false;
  if (existsSync(JARS)) return true;
  if (!answers('mvn', ['--version'])) return false;
  // Under another name until all of it is there.
  const unfinished = `${JARS}.part`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const pom = join(ROOT, TESTS, 'ruler', 'pom.xml');
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${unfinished}`];
  try {
    await runStep('getting event-ruler', 'mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal]);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return false;
  }
  renameSync(unfinished, JARS);
  return true;
}

/** Whether the program is on PATH, and ends well. */
function answers(program, args) {
  return spawnSync(program, args).status === 0;
}
