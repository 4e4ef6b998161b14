import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program to run, and where it may put temporary files. */
export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What one run of a whole process took, threads and children included. */
export interface Measurement {
  /** Seconds of user and system time together. */
  readonly cpu: number;
  /** Seconds from start to end. */
  readonly wall: number;
  /** Peak resident memory in bytes. */
  readonly memory: number;
  /** The most that stood in the temporary folder at a time, in bytes. */
  readonly temporaryDisk: number;
}

const GNU_TIME = '/usr/bin/time';
const DISK_SAMPLES_MS = 20;

/**
 * Runs a command to its end and measures it by GNU time, which asks the kernel (`wait4`). Standard output is thrown away.
 * The command gets a temporary folder of its own (`TMPDIR`), whose size is sampled as it runs.
 * @throws {Error} When the command fails, or GNU time is missing.
 */
export async function measure({ program, arguments: programArguments, env }: Command): Promise<Measurement> {
  const temporary = mkdtempSync(join(tmpdir(), 'bench-'));
  const report = join(temporary, 'time');
  const scratch = mkdtempSync(join(temporary, 'scratch-'));
  let temporaryDisk = 0;
  const sampling = setInterval(() => {
    temporaryDisk = Math.max(temporaryDisk, sizeOf(scratch));
  }, DISK_SAMPLES_MS);
  try {
    await run(GNU_TIME, ['-o', report, '-f', '%e %U %S %M', program, ...programArguments], { ...env, TMPDIR: scratch });
    const [wall = 0, user = 0, system = 0, kibibytes = 0] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
    return { cpu: user + system, wall, memory: kibibytes * 1024, temporaryDisk };
  } finally {
    clearInterval(sampling);
    rmSync(temporary, { recursive: true });
  }
}

/** What a command prints on standard output. */
export function outputOf({ program, arguments: programArguments, env }: Command): string {
  return execFileSync(program, programArguments, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function run(
  program: string,
  programArguments: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, programArguments, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    let complaints = '';
    child.stderr.on('data', (text: Buffer) => {
      complaints = (complaints + text).slice(-2000);
    });
    child.on('error', (error) =>
      reject(new Error(`${program} could not be started: ${error.message} (Debian package of GNU time: time)`)),
    );
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`${programArguments.slice(4).join(' ')} ended with exit code ${code}: ${complaints}`)),
    );
  });
}

/** Bytes of the files under a folder; files that vanish while it is read count for nothing. */
function sizeOf(folder: string): number {
  let size = 0;
  for (const name of tryTo(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? []) {
    const stat = tryTo(() => statSync(join(folder, name)));
    if (stat?.isFile()) size += stat.size;
  }
  return size;
}

function tryTo<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

const REFERENCE_SOURCES = fileURLToPath(new URL('../../conformance/reference', import.meta.url));
const REFERENCE = `${REFERENCE_SOURCES}/.build/reference`;
const CLI = fileURLToPath(new URL('../../packages/cli/bin/soci-index.js', import.meta.url));
const BUILT_CLI = fileURLToPath(new URL('../../packages/cli/dist/bundle/main.js', import.meta.url));

/** Builds the reference program of the conformance package; undefined where Go or a C compiler is missing. */
export function buildReference(): string | undefined {
  const build = spawnSync('go', ['build', '-o', REFERENCE, '.'], {
    cwd: REFERENCE_SOURCES,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return build.status === 0 ? REFERENCE : undefined;
}

/** Our command line, as it is published: bundled, run by the Node that runs this. */
export function ours(...programArguments: readonly string[]): Command {
  if (!existsSync(BUILT_CLI)) throw new Error('the packages are not built: run `npm run build` first');
  return { program: process.execPath, arguments: [CLI, ...programArguments] };
}

/** One of the scripts of this folder. */
export function script(name: string, ...programArguments: readonly string[]): Command {
  return { program: process.execPath, arguments: [fileURLToPath(new URL(name, import.meta.url)), ...programArguments] };
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['-h'], { stdio: 'ignore' }).error === undefined;
}
