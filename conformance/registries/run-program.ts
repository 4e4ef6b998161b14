import { spawn } from 'node:child_process';

/** What a program that has ended leaves. */
export interface ProgramRun {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Around a program's run. */
export interface ProgramWorld {
  /** All of its environment, beside PATH and HOME. @default empty */
  readonly env?: Readonly<Record<string, string>>;
  /** Given on its standard input. @default nothing */
  readonly input?: string;
}

/** Milliseconds after which a program that does not end is killed: below a test's own time, so that its words are seen. */
const DEADLINE = 90_000;

/** Runs a program to its end, whatever its exit code. */
export function runProgram(path: string, args: readonly string[], world: ProgramWorld = {}): Promise<ProgramRun> {
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      env: { PATH, HOME, ...world.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: DEADLINE,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    // One that reads no input may be gone before it is written.
    child.stdin.on('error', () => {});
    child.stdin.end(world.input);
    child.on('close', (code, signal) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString() + (signal === null ? '' : `\nended by ${signal}`),
      }),
    );
  });
}

/** Runs a program that is to succeed, and gives what it printed. */
export async function runWell(path: string, args: readonly string[], world?: ProgramWorld): Promise<Buffer> {
  const { code, stdout, stderr } = await runProgram(path, args, world);
  if (code === 0) return stdout;
  throw new Error(`${path} ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
}
