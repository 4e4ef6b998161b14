import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A program with its arguments and additional environment variables. */
export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Resources used by one run of a process, including its threads and children. */
export interface Measurement {
  /** User and system time, in seconds. */
  readonly cpu: number;
  /** Elapsed time, in seconds. */
  readonly wall: number;
  /** Peak resident memory, in bytes. */
  readonly memory: number;
  /** Maximum size of the temporary folder, in bytes. */
  readonly temporaryDisk: number;
}

const GNU_TIME = '/usr/bin/time';
const DISK_SAMPLES_MS = 20;

/**
 * Runs a command and measures it with GNU time, which reads the kernel's values (`wait4`). Discards standard output. The
 * command has its own temporary folder (`TMPDIR`), whose size is sampled during the run.
 *
 * @throws {Error} If the command fails or GNU time is missing.
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

/** Returns the standard output of a command. */
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
    let errorOutput = '';
    child.stderr.on('data', (text: Buffer) => {
      errorOutput = (errorOutput + text).slice(-2000);
    });
    child.on('error', (error) =>
      reject(new Error(`cannot start ${program}: ${error.message}. Install GNU time (Debian: time).`)),
    );
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`${programArguments.slice(4).join(' ')} exited with code ${code}: ${errorOutput}`)),
    );
  });
}

/** Returns the total size of the files in a folder, in bytes. Ignores files that disappear during the scan. */
function sizeOf(folder: string): number {
  let size = 0;
  for (const name of tryOrUndefined(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? []) {
    const stat = tryOrUndefined(() => statSync(join(folder, name)));
    if (stat?.isFile()) size += stat.size;
  }
  return size;
}

function tryOrUndefined<T>(action: () => T): T | undefined {
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

/** Builds the reference program of the conformance package. Returns undefined if Go or a C compiler is missing. */
export function buildReference(): string | undefined {
  const build = spawnSync('go', ['build', '-o', REFERENCE, '.'], {
    cwd: REFERENCE_SOURCES,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return build.status === 0 ? REFERENCE : undefined;
}

/** Version of crane, the same as that of `npm run test:real`, which keeps its build in the same folder. */
const CRANE_VERSION = 'v0.22.1';
const CRANE_FOLDER = fileURLToPath(new URL(`../../.cache/crane-${CRANE_VERSION}`, import.meta.url));

/** Builds crane, unless it was built before. Returns undefined if Go is missing or the build fails. */
export function buildCrane(): string | undefined {
  const path = join(CRANE_FOLDER, 'crane');
  if (existsSync(path)) return path;
  const build = spawnSync('go', ['install', `github.com/google/go-containerregistry/cmd/crane@${CRANE_VERSION}`], {
    env: { ...process.env, CGO_ENABLED: '0', GOBIN: CRANE_FOLDER },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return build.status === 0 ? path : undefined;
}

/** Returns a command that runs the published bundle of the command line with the current Node. */
export function sociIndex(...programArguments: readonly string[]): Command {
  if (!existsSync(BUILT_CLI)) throw new Error('the packages are not built. Run "npm run build".');
  return { program: process.execPath, arguments: [CLI, ...programArguments] };
}

/** Returns a command that runs a script of this folder. */
export function script(name: string, ...programArguments: readonly string[]): Command {
  return { program: process.execPath, arguments: [fileURLToPath(new URL(name, import.meta.url)), ...programArguments] };
}

/** Reports whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['-h'], { stdio: 'ignore' }).error === undefined;
}
