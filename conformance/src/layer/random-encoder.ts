import type { Random } from '@soci/test-content';
import { DEFLATE_FAULTS } from './deflate-fault.ts';
import type { Encoder, Member, MemberMaker } from './encoder.ts';
import { randomHeader } from './gzip-member.ts';
import { type ProgramName, randomArguments, randomProgram } from './programs.ts';
import { randomZlib } from './zlib-deflate.ts';

/** Maximum size of an archive that is encoded by hand, in bytes. Larger ones take too long. */
const MAX_HAND_SIZE = 400_000;
/** Probability that a hand-made stream has a fault. */
const FAULTY = 0.12;

/** Returns a random encoder for an archive of about `size` bytes. It uses only installed programs. */
export function randomEncoder(random: Random, size: number, programs: readonly ProgramName[]): Encoder {
  if (random.chance(0.12)) return { kind: 'none' };
  const count = random.weighted([
    [7, 1],
    [2, random.between(2, 4)],
    [1, random.magnitude(2, 24)],
  ]);
  const maker = () => randomMaker(random, size / count, programs);
  const common = random.chance(0.5) ? maker() : undefined;
  const members = random.list(
    count,
    (): Member => ({
      ...(common ?? maker()),
      share: count > 1 && random.chance(0.12) ? 0 : random.between(1, 100),
    }),
  );
  if (random.chance(0.01)) members.push({ by: 'zlib-wrapper', share: 0 });
  return { kind: 'gzip', members };
}

function randomMaker(random: Random, size: number, programs: readonly ProgramName[]): MemberMaker {
  const kind = random.weighted([
    [10, 'zlib'],
    [size < MAX_HAND_SIZE ? 8 : 0, 'hand'],
    [3, 'go'],
    [programs.length > 0 ? 5 : 0, 'program'],
  ] as const);
  switch (kind) {
    case 'zlib':
      return { by: 'zlib', header: randomHeader(random), ...randomZlib(random) };
    case 'hand':
      return randomHandDeflate(random);
    case 'go':
      return {
        by: 'go',
        level: random.between(-2, 9),
        flushEvery: random.chance(0.3) ? random.magnitude(500, 200_000) : 0,
      };
    case 'program': {
      const program = randomProgram(programs, random);
      const chosen = randomArguments(program, size, random);
      if (chosen !== undefined) return { by: 'program', program, arguments: chosen };
      return { by: 'zlib', header: {}, ...randomZlib(random) };
    }
  }
}

function randomHandDeflate(random: Random): MemberMaker {
  return {
    by: 'hand',
    header: randomHeader(random),
    seed: random.uint32(),
    blocks: random.magnitude(1, 100),
    types: random.pick([
      ['dynamic'],
      ['dynamic', 'fixed'],
      ['fixed'],
      ['stored'],
      ['stored', 'fixed', 'dynamic'],
    ] as const),
    codes: random.pick(['huffman', 'huffman', 'random', 'deep'] as const),
    matches: random.pick(['none', 'longest', 'random', 'far'] as const),
    emptyBlocks: random.pick([0, 0, 0.05, 0.5]),
    spareSymbols: random.chance(0.4),
    ...(random.chance(FAULTY) && { fault: random.pick(DEFLATE_FAULTS) }),
  };
}
