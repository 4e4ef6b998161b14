import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Random } from '@soci/test-content';

/** A compressor that may be installed on the machine, and how it is called. */
interface Program {
  /** How to get it, said where it is missing. */
  readonly debianPackage: string;
  /** Arguments at random; `{file}` stands for the input, which otherwise comes through standard input. */
  readonly randomArguments: (random: Random) => readonly string[];
  /** The most it should be given, in bytes, lest a run take hours. */
  readonly maxSize: number;
  /** How often it is called beside the others: the slow ones less. */
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

/** The name of a compressor, which is also that of its executable. */
export type ProgramName = keyof typeof PROGRAMS;

/** Every compressor there is a use for. */
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

/** The Debian package that has a program. */
export function debianPackageOf(name: ProgramName): string {
  return PROGRAMS[name].debianPackage;
}

/** Those of {@link PROGRAM_NAMES} that this machine has. */
export function installedPrograms(): ProgramName[] {
  return PROGRAM_NAMES.filter((name) => spawnSync(name, ['-h'], { stdio: 'ignore' }).error === undefined);
}

/** One of `programs`, of which there must be some. */
export function randomProgram(programs: readonly ProgramName[], random: Random): ProgramName {
  return random.weighted(programs.map((name) => [PROGRAMS[name].weight, name] as const));
}

/** Arguments for a program, or undefined where `size` bytes are too many for its speed. */
export function randomArguments(name: ProgramName, size: number, random: Random): readonly string[] | undefined {
  const program: Program = PROGRAMS[name];
  return size > program.maxSize ? undefined : program.randomArguments(random);
}

/** The gzip that a program makes of `data`. */
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
      code === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`${name} ended with exit code ${code}`)),
    );
    // A program that reads a file instead closes its input early; what it wrote is what counts.
    child.stdin.on('error', () => {});
    child.stdin.end(data);
  });
}
