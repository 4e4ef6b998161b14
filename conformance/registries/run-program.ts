import { spawn } from 'node:child_process';

/** The result of a program. */
export interface ProgramRun {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Options of a program. */
export interface ProgramWorld {
  /** Its environment, in addition to PATH and HOME. @default empty */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working directory. @default that of the tests */
  readonly cwd?: string;
  /** Its standard input. @default empty */
  readonly input?: string;
  /** Time limit in milliseconds. @default 240_000: shorter than that of a test, so that the output of the program is printed */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT = 240_000;

/** Runs a program to its end. Does not check its exit code. */
export function runProgram(path: string, args: readonly string[], world: ProgramWorld = {}): Promise<ProgramRun> {
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      env: { PATH, HOME, ...world.env },
      cwd: world.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: world.timeout ?? DEFAULT_TIMEOUT,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    // A program that does not read its input may exit before it is written.
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

/** Runs a program that must succeed. Returns its standard output. */
export async function runWell(path: string, args: readonly string[], world?: ProgramWorld): Promise<Buffer> {
  const { code, stdout, stderr } = await runProgram(path, args, world);
  if (code === 0) return stdout;
  throw new Error(`${path} ${args.join(' ')} exited with ${code}:\n${stderr}${stdout}`);
}
