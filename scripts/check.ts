// `npm run check [-- NAME...]`: runs all checks, or the named ones, and prints how many passed. With `--update`, checks of generated
// files write these files.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { api, documentation } from './checks/api.ts';
import { bundlers } from './checks/bundlers.ts';
import { commands } from './checks/commands.ts';
import { consumerTypes } from './checks/consumer-types.ts';
import { installed, synthesised } from './checks/installed.ts';
import { jsii } from './checks/jsii.ts';
import { links } from './checks/links.ts';
import { prose } from './checks/prose.ts';
import { bundleSize, changesets, installScripts, tarballs } from './checks/published.ts';
import { dependencies, folders, foreignNames, modules } from './checks/structure.ts';
import { workflows } from './checks/workflows.ts';
import { pnpm, QUIET_ENV, ROOT } from './setup.mjs';
import { formatCounts } from './test-reports.mjs';
import type { Finding } from './workspace/packages.ts';

type Check = (update: boolean) => Finding[] | Promise<Finding[]>;

const bin = (name: string) => join(ROOT, 'node_modules', '.bin', name);
const KNIP = [bin('knip'), '--no-progress', '--no-config-hints'];

const ERRORS_ONLY = ['--output-logs=errors-only', '--continue'];

const CHECKS: Readonly<Record<string, Check>> = {
  format: () => [
    ...command('biome', [bin('biome'), 'ci', '--colors=off', '.']),
    ...command('Markdown', [process.execPath, join('scripts', 'format-markdown.mjs'), '--check']),
  ],
  types: () => command('tsc', ['npx', ...pnpm('exec', 'turbo', 'run', 'typecheck', '//#typecheck', ...ERRORS_ONLY)]),
  prose,
  links,
  commands,
  unused: () => [
    ...command('no unused files, dependencies and exports', KNIP),
    ...command('no shipped export or dependency that only tests use', [
      ...KNIP,
      '--strict',
      '--exclude',
      'exports,types',
    ]),
  ],
  dependencies,
  modules,
  folders,
  documentation,
  api,
  kernel: () =>
    command('kernel', [process.execPath, join('packages', 'ztoc', 'scripts', 'build-kernel.mjs'), '--check']),
  tarballs,
  synthesised,
  jsii,
  installed,
  'consumer-types': consumerTypes,
  'install-scripts': installScripts,
  'bundle-size': bundleSize,
  bundlers,
  changesets,
  workflows,
  'foreign-names': foreignNames,
};

const update = process.argv.includes('--update');
const named = process.argv.slice(2).filter((word) => word !== '--update');
const unknown = named.filter((name) => !(name in CHECKS));

if (unknown.length > 0) {
  console.error(`unknown check: ${unknown.join(', ')}. Checks: ${Object.keys(CHECKS).join(', ')}.`);
  process.exitCode = 2;
} else {
  const chosen = Object.entries(CHECKS).filter(([name]) => named.length === 0 || named.includes(name));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, check] of chosen) counts[await runCheck(name, check)]++;
  console.log(formatCounts(counts));
  if (counts.failed > 0) process.exitCode = 1;
}

/** Prints a line for each finding. Returns what to count the check as. */
async function runCheck(name: string, check: Check): Promise<'passed' | 'failed' | 'skipped'> {
  const started = performance.now();
  const findings = await Promise.resolve()
    .then(() => check(update))
    .catch((error: Error): Finding[] => [{ subject: name, problems: [error.message] }]);
  for (const { subject, problems, skipped } of findings) {
    for (const problem of problems) console.log(`fail  ${subject}: ${problem}`);
    if (skipped !== undefined) console.log(`  skipped: ${subject}: ${skipped}`);
    else if (problems.length === 0) console.log(`pass  ${subject}`);
  }
  const hasPassed = findings.every(({ problems }) => problems.length === 0);
  const isSkipped = findings.some(({ skipped }) => skipped !== undefined);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${hasPassed ? (isSkipped ? 'SKIP' : 'PASS') : 'FAIL'}  ${name} (${seconds} s)`);
  return hasPassed ? (isSkipped ? 'skipped' : 'passed') : 'failed';
}

/** Runs a command. If it fails, its output is the problem. */
function command(subject: string, [program = '', ...args]: readonly string[]): Finding[] {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: ROOT, env: QUIET_ENV, encoding: 'utf8' });
  return [{ subject, problems: status === 0 ? [] : [`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim()] }];
}
