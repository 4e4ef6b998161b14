// `npm test [-- FLAGS OF TURBO]`: sets the project up when it must, then runs every test that needs nothing but npm.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceFolders } from './fingerprint.mjs';
import { runAttached, StepError } from './run-step.mjs';
import { pnpm, QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';
import { formatCounts, readReports, removeReports, sumCounts } from './test-reports.mjs';

try {
  await setUp();
  process.exitCode = await runTests(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function runTests(flags) {
  const folders = workspaceFolders(ROOT).filter((folder) => hasTests(join(ROOT, folder)));
  folders.push('scripts');
  removeReports(ROOT, folders);
  // Results are kept by content; the Node they came from is part of that.
  const env = { ...QUIET_ENV, TEST_NODE: spawnSync(toolNode(), ['--version'], { encoding: 'utf8' }).stdout.trim() };
  const turbo = [
    'turbo',
    'run',
    'test',
    '//#test:scripts',
    '--output-logs=errors-only',
    '--continue',
    '--concurrency=2',
    ...flags,
  ];
  const code = await runAttached('npx', pnpm('exec', ...turbo), env);
  const reports = readReports(ROOT, folders);
  for (const { folder, remarks, ...counts } of reports) {
    console.log([`${folder}: ${formatCounts(counts)}`, ...remarks].join('\n  '));
  }
  const sum = sumCounts(reports);
  console.log(formatCounts(sum));
  return code === 0 && sum.failed > 0 ? 1 : code;
}

function hasTests(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts?.test !== undefined;
}
