// The commands of the root manifest: `npm run NAME [-- ARGS]`. Each installs and builds first if something has changed.
// - start: runs the demo (apps/demo) and sets up only the packages that it needs;
// - test: runs every test that needs nothing but npm; arguments go to turbo;
// - dev: checks types and runs the tests of changed files, and watches; arguments go to vitest;
// - build: only sets up;
// - pack, release: run scripts/release, which builds what it packs;
// - docs: builds the documentation site from the sources (apps/site);
// - pnpm: runs the pinned pnpm, without setting up first;
// - exec PROGRAM: runs an installed program, such as `node scripts/check.ts`.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { workspaceFolders } from './fingerprint.mjs';
import { runAttached, StepError } from './run-step.mjs';
import { pnpm, QUIET_ENV, ROOT, setUp, toolNode } from './setup.mjs';
import { formatCounts, hasReport, readReports, removeReports, sumCounts } from './test-reports.mjs';

const COMMANDS = { start, test, dev, build: () => 0, docs, pack: release, release, pnpm: runPnpm, exec };

const [command, ...args] = process.argv.slice(2);
try {
  if (command !== 'pnpm')
    await setUp({
      only: command === 'start' ? '@soci/demo' : undefined,
      buildPackages: ![docs, release].includes(COMMANDS[command]),
    });
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
  // Turbo caches results by content. The version of Node is part of the cache key.
  const env = { ...QUIET_ENV, TEST_NODE: spawnSync(toolNode(), ['--version'], { encoding: 'utf8' }).stdout.trim() };
  const options = ['--output-logs=errors-only', '--continue', '--concurrency=2', ...flags];
  const code = await runAttached('npx', pnpm('exec', 'turbo', 'run', 'test', '//#test:scripts', ...options), env);
  // A filter leaves out packages. The exit code shows whether a selected one has no report.
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
  // Nothing is built yet: it takes the sources of packages.
  const program = ['--conditions=@soci/source', join(ROOT, 'scripts', 'release', 'main.ts')];
  return runAttached(toolNode(), [...program, command, ...args], QUIET_ENV);
}

function docs(args) {
  return runAttached(toolNode(), [join(ROOT, 'apps', 'site', 'src', 'main.ts'), ...args], QUIET_ENV);
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
  // Runs the tests of uncommitted files first, then of files that change.
  return runAttached(toolNode(), [...vitest, '--changed', '--no-clearScreen', ...flags], QUIET_ENV);
}

function runPnpm(args) {
  return runAttached('npx', pnpm(...args), QUIET_ENV);
}

function exec([program, ...args]) {
  const path = program === 'node' ? toolNode() : join(ROOT, 'node_modules', '.bin', program);
  // Programs that name Node in their first line find the pinned one.
  const env = { ...QUIET_ENV, PATH: [join(ROOT, 'node_modules', '.bin'), process.env.PATH].join(delimiter) };
  return runAttached(path, args, env);
}
