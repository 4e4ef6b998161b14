// `pnpm check [NAME...]`: runs every check, or those named, and ends with their count.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm, QUIET_ENV, ROOT } from './setup.mjs';

/** The checks that are a tool's own command. Every other is a file of scripts/checks, which prints its own lines. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  format: [join(ROOT, 'node_modules', '.bin', 'biome'), 'ci', '--colors=off', '.'],
  types: [
    'npx',
    ...pnpm('exec', 'turbo', 'run', 'typecheck', '//#typecheck', '--output-logs=errors-only', '--continue'),
  ],
  unused: [join(ROOT, 'node_modules', '.bin', 'knip'), '--no-progress', '--no-config-hints'],
  kernel: [process.execPath, join('packages', 'ztoc', 'scripts', 'build-kernel.mjs'), '--check'],
};

const scripts = readdirSync(join(ROOT, 'scripts', 'checks'))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.ts'.length));
const known = [...Object.keys(COMMANDS), ...scripts];
const named = process.argv.slice(2);
const unknown = named.filter((name) => !known.includes(name));

if (unknown.length > 0) {
  console.error(`No check is named ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
  process.exitCode = 2;
} else {
  const chosen = known.filter((name) => named.length === 0 || named.includes(name));
  const failed = chosen.filter((name) => !runCheck(name));
  console.log(`${chosen.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) process.exitCode = 1;
}

/** Whether the check passed. A tool's output is shown when it did not. */
function runCheck(name: string): boolean {
  const [program = '', ...args] = COMMANDS[name] ?? [process.execPath, join('scripts', 'checks', `${name}.ts`)];
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: ROOT, env: QUIET_ENV, encoding: 'utf8' });
  const passed = status === 0;
  if (!(name in COMMANDS)) process.stdout.write(stdout ?? '');
  if (!passed && name in COMMANDS) process.stdout.write(stdout ?? '');
  if (!passed) process.stdout.write(stderr || (error ? `${error.message}\n` : ''));
  console.log(`${passed ? 'PASS' : 'FAIL'}  ${name}`);
  return passed;
}
