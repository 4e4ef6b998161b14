import { spawn } from 'node:child_process';
import { QUIET_ENV } from '../setup.mjs';

/** Runs one step of a release, and prints its name and seconds. */
export async function step<T>(label: string, run: () => T | Promise<T>): Promise<T> {
  const started = performance.now();
  process.stdout.write(`${label} ... `);
  try {
    const result = await run();
    process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    return result;
  } catch (error) {
    process.stdout.write('failed\n');
    throw error;
  }
}

/** What a program printed. */
export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and with what a program runs. */
export interface RunOptions {
  readonly cwd: string;
  /** Variables to set in addition to those of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program without a terminal and returns its output, whatever its exit code is. */
export function capture(command: string, args: readonly string[], { cwd, env }: RunOptions): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...QUIET_ENV, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
}

/**
 * Runs a program and returns its standard output.
 *
 * @throws Error with its output if it fails.
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await capture(command, args, options);
  if (code === 0) return stdout;
  throw new Error(`"${[command, ...args].join(' ')}" exited with ${code}:\n${stdout}${stderr}`.trimEnd());
}

/** Runs git in a folder, also in a checkout that another user owns. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  return (await run('git', ['-c', 'safe.directory=*', ...args], { cwd })).trimEnd();
}
