// `npm start`, `npm test` and `npm run dev`, each with arguments after `--`: sets the project up if needed, then
// - start: shows its main job, the whole workflow (apps/demo);
// - test: runs every test that needs nothing but npm; arguments are turbo's;
// - dev: watches: checks types, and runs the tests of what changes; arguments are vitest's.
// `npm run pack` and `npm run release` install dependencies if needed, and leave the rest to scripts/release.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceFolders } from './fingerprint.mjs';
import { runAttached, StepError } from './run-step.mjs';
import { pnpm, QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';
import { formatCounts, hasReport, readReports, removeReports, sumCounts } from './test-reports.mjs';

const COMMANDS = { start, test, dev, pack: release, release };

const [command, ...args] = process.argv.slice(2);
try {
  await setUp({ isBuilt: COMMANDS[command] !== release });
  process.exitCode = await COMMANDS[command](args);
} catch (error) {
  if (!(error instanceof StepError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function start(args) {
  return runAttached(toolNode(), [join(ROOT, 'apps', 'demo', 'dist', 'main.js'), ...args]);
}

async function test(flags) {
  const folders = workspaceFolders(ROOT).filter((folder) => hasTests(join(ROOT, folder)));
  folders.push('scripts');
  removeReports(ROOT, folders);
  // Results are kept by content; the Node they came from is part of that.
  const env = { ...QUIET_ENV, TEST_NODE: spawnSync(toolNode(), ['--version'], { encoding: 'utf8' }).stdout.trim() };
  const options = ['--output-logs=errors-only', '--continue', '--concurrency=2', ...flags];
  const code = await runAttached('npx', pnpm('exec', 'turbo', 'run', 'test', '//#test:scripts', ...options), env);
  // A filter leaves out packages; the exit code tells if one of the chosen ones has no report.
  const isFiltered = flags.some((flag) => /^(--filter|-F)/.test(flag));
  const reports = readReports(ROOT, isFiltered ? folders.filter((folder) => hasReport(ROOT, folder)) : folders);
  for (const { folder, remarks, ...counts } of reports) {
    console.log([`${folder}: ${formatCounts(counts)}`, ...remarks].join('\n  '));
  }
  const sum = sumCounts(reports);
  console.log(formatCounts(sum));
  return code === 0 && sum.failed > 0 ? 1 : code;
}

function release(args) {
  return runAttached(toolNode(), [join(ROOT, 'scripts', 'release', 'main.ts'), command, ...args], QUIET_ENV);
}

function hasTests(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts?.test !== undefined;
}

async function dev(flags) {
  const tsc = [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(ROOT, 'tsconfig.dev.json')];
  const types = spawn(toolNode(), [...tsc, '--watch', '--preserveWatchOutput'], {
    cwd: ROOT,
    env: QUIET_ENV,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.once('exit', () => types.kill());
  const vitest = [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'watch', '--config', join(ROOT, 'vitest.dev.ts')];
  // Tests of what is not committed first, then of what changes.
  return runAttached(toolNode(), [...vitest, '--changed', '--no-clearScreen', ...flags], QUIET_ENV);
}
