// `pnpm test:filter [FLAGS OF VITEST]`: holds @soci/filter against Python's fnmatch and AWS's own matcher of event patterns.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runConformance } from './run-conformance.mjs';
import { runStep, StepError } from './run-step.mjs';
import { ROOT } from './setup.mjs';

/** The jars of conformance/filter/ruler/pom.xml; the version is that file's. */
const JARS = join(ROOT, '.cache', 'event-ruler-1.7.3');

await runConformance({ folder: 'filter', getParts: getJudges, variable: 'FILTER_JUDGES' });

async function getJudges() {
  const absent = [];
  const parts = {};
  if (answers('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'])) parts.python = 'python3';
  else absent.push('Python is absent: have python3, 3.9 or newer, on PATH.');
  if (await getRuler()) parts.ruler = join(JARS, '*');
  else absent.push('event-ruler is absent: have a JDK, 11 or newer, and mvn on PATH, with access to Maven Central.');
  return { parts, absent };
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
  const pom = join(ROOT, 'conformance', 'filter', 'ruler', 'pom.xml');
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
