import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer, type NetConnectOpts } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { TestRuntimeError } from './errors.ts';

/** Time limit for the start of a daemon, in milliseconds. Large enough for a loaded machine. */
const START_TIMEOUT = 120_000;

/** Bytes of a program's output in an error message. */
const SHOWN_OUTPUT = 4_000;

/** The result of a program. */
export interface ProgramResult {
  /** Exit code; -1 if a signal ended the program. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link runProgram}. */
export interface ProgramOptions {
  /** Environment. @default that of this process */
  readonly env?: NodeJS.ProcessEnv;
  /** Working folder. @default that of this process */
  readonly cwd?: string;
  /** Time limit in milliseconds, after which the program is killed. @default 10 minutes */
  readonly timeout?: number;
  /** Called when the program writes to its standard output. */
  readonly onOutput?: () => void;
}

/**
 * Runs a program to its end. Does not check its exit code.
 *
 * @throws {@link TestRuntimeError} `TIMEOUT`; the error of the system if the program does not exist.
 */
export function runProgram(
  path: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const { env = process.env, cwd, timeout = 600_000, onOutput = () => {} } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeout);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', onOutput).on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const result = {
        code: code ?? -1,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      };
      if (!timedOut) return resolve(result);
      const message = `${describe(path, args)} did not end within ${timeout} ms:\n${outputOf(result)}`;
      reject(new TestRuntimeError('TIMEOUT', message));
    });
  });
}

/** Runs a program that must succeed. @throws {@link TestRuntimeError} `PROGRAM_FAILED`, `TIMEOUT` */
export async function runSuccessfully(
  path: string,
  args: readonly string[],
  options?: ProgramOptions,
): Promise<ProgramResult> {
  const result = await runProgram(path, args, options);
  if (result.code === 0) return result;
  const message = `${describe(path, args)} exited with ${result.code}:\n${outputOf(result)}`;
  throw new TestRuntimeError('PROGRAM_FAILED', message);
}

function describe(path: string, args: readonly string[]): string {
  return [path, ...args].join(' ');
}

function outputOf({ stdout, stderr }: ProgramResult): string {
  return `${stdout}${stderr}`.slice(-SHOWN_OUTPUT);
}

/** How a daemon is started. */
export interface DaemonCommand {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** File that its output is appended to. */
  readonly log: string;
  /** The daemon has started when this address accepts connections. */
  readonly address: NetConnectOpts;
}

/**
 * Starts a daemon and waits until it accepts connections. It gets its own session, so that Ctrl-C does not end it before its
 * clients.
 *
 * @throws {@link TestRuntimeError} `PROGRAM_FAILED` if it ends; `TIMEOUT` if it does not start within 30 s.
 */
export async function startDaemon({ path, args, env, log, address }: DaemonCommand): Promise<void> {
  const file = openSync(log, 'a');
  const child = spawn(path, args, { env, detached: true, stdio: ['ignore', file, file] });
  closeSync(file);
  let end: string | undefined;
  child.on('error', (error) => {
    end = error.message;
  });
  child.on('exit', (code, signal) => {
    end = `it ended with ${signal ?? code}`;
  });
  // A daemon must not keep the process alive that started it.
  child.unref();
  const deadline = performance.now() + START_TIMEOUT;
  while (!(await accepts(address))) {
    if (end !== undefined) {
      const message = `${describe(path, args)} did not start: ${end}\n${readFileSync(log, 'utf8').slice(-SHOWN_OUTPUT)}`;
      throw new TestRuntimeError('PROGRAM_FAILED', message);
    }
    if (performance.now() > deadline) {
      throw new TestRuntimeError(
        'TIMEOUT',
        `${describe(path, args)} did not start within ${START_TIMEOUT} ms. See ${log}`,
      );
    }
    await wait(20);
  }
}

function accepts(address: NetConnectOpts): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Returns a free port on 127.0.0.1. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
