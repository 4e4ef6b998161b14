import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '@soci/test-content';

/** A compressor that may be installed, and how to run it. */
interface Program {
  /** Debian package, for the message about a missing program. */
  readonly debianPackage: string;
  /** Returns random arguments. `{file}` stands for the path of the input, which is otherwise sent to standard input. */
  readonly randomArguments: (random: Random) => readonly string[];
  /** Maximum input, in bytes, to limit the duration of a run. */
  readonly maxSize: number;
  /** Relative frequency. Slow programs have a lower one. */
  readonly weight: number;
}

const PYTHON =
  'import gzip, sys; sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read(), int(sys.argv[1]), mtime=0))';

const PROGRAMS = {
  gzip: {
    debianPackage: 'gzip',
    randomArguments: (random) => ['-c', '-n', `-${random.between(1, 9)}`],
    maxSize: 4 << 20,
    weight: 4,
  },
  pigz: {
    debianPackage: 'pigz',
    randomArguments: (random) => [
      '-c',
      '-n',
      '-m',
      `-${random.between(0, 9)}`,
      ...random.pick([[], ['-i'], ['-b', '128'], ['-b', '256', '-i'], ['-R'], ['-H'], ['-U'], ['-p', '1']]),
    ],
    maxSize: 32 << 20,
    weight: 4,
  },
  igzip: {
    debianPackage: 'isal',
    randomArguments: (random) => ['-c', '-n', `-${random.between(0, 3)}`],
    maxSize: 32 << 20,
    weight: 4,
  },
  'libdeflate-gzip': {
    debianPackage: 'libdeflate-tools',
    randomArguments: (random) => ['-c', `-${random.between(1, 12)}`],
    maxSize: 2 << 20,
    weight: 4,
  },
  zopfli: { debianPackage: 'zopfli', randomArguments: () => ['-c', '--i1', '{file}'], maxSize: 16 << 10, weight: 1 },
  python3: {
    debianPackage: 'python3',
    randomArguments: (random) => ['-c', PYTHON, String(random.between(0, 9))],
    maxSize: 4 << 20,
    weight: 1,
  },
} as const satisfies Readonly<Record<string, Program>>;

/** Name of a compressor and of its executable. */
export type ProgramName = keyof typeof PROGRAMS;

/** All supported compressors. */
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

/** Returns the Debian package of a program. */
export function debianPackageOf(name: ProgramName): string {
  return PROGRAMS[name].debianPackage;
}

/** Returns the installed programs of {@link PROGRAM_NAMES}. */
export function installedPrograms(): ProgramName[] {
  return PROGRAM_NAMES.filter((name) => spawnSync(name, ['-h'], { stdio: 'ignore' }).error === undefined);
}

/** Returns a random one of `programs`, which must not be empty. */
export function randomProgram(programs: readonly ProgramName[], random: Random): ProgramName {
  return random.weighted(programs.map((name) => [PROGRAMS[name].weight, name] as const));
}

/** Returns arguments for a program, or undefined if it is too slow for `size` bytes. */
export function randomArguments(name: ProgramName, size: number, random: Random): readonly string[] | undefined {
  const program: Program = PROGRAMS[name];
  return size > program.maxSize ? undefined : program.randomArguments(random);
}

/** Compresses `data` with a program. */
export async function runProgram(
  name: ProgramName,
  programArguments: readonly string[],
  data: Uint8Array,
): Promise<Uint8Array> {
  if (!programArguments.includes('{file}')) return pipeThrough(name, programArguments, data);
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  try {
    const file = join(folder, 'input');
    writeFileSync(file, data);
    return await pipeThrough(
      name,
      programArguments.map((argument) => (argument === '{file}' ? file : argument)),
      new Uint8Array(),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pipeThrough(name: string, programArguments: readonly string[], data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, programArguments, { stdio: ['pipe', 'pipe', 'ignore'] });
    const chunks: Uint8Array[] = [];
    child.on('error', reject);
    child.stdout.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    child.on('close', (code) =>
      code === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${name} exited with ${code}`)),
    );
    // A program that reads a file closes its input early. Only its output matters.
    child.stdin.on('error', () => {});
    child.stdin.end(data);
  });
}
