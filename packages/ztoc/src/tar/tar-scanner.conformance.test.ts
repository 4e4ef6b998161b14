import { gunzipSync } from 'node:zlib';
import { readGoldenLayer, readGoldenLayers, seededRandom, tarChecksum, toBytes } from '@soci/test-content';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ZtocError } from '../errors.ts';
import { loadTarCases, scan } from './fixtures/tar-cases.ts';
import { BLOCK_SIZE } from './tar-format.ts';
import { TarScanner } from './tar-scanner.ts';

const cases = loadTarCases();
const readable = cases.filter((tarCase) => tarCase.read !== undefined);

describe("TarScanner and Go's reader", () => {
  test.each(readable.map(({ tar, read }, index) => ({ index, tar, read })))(
    'read the same entries from stream $index',
    ({ tar, read }) => {
      expect(scan(tar)).toEqual(read);
    },
  );

  test.each(cases.flatMap(({ tar, refused }) => (refused === undefined ? [] : [{ tar, refused }])))(
    'reject: $refused',
    ({ tar }) => {
      expect(() => scan(tar)).toThrow(ZtocError);
    },
  );
});

describe('the golden layers', () => {
  const built = Object.entries(readGoldenLayers()).flatMap(([name, { ztocs }]) =>
    Object.values(ztocs)
      .slice(0, 1)
      .map((ztoc) => ({ name, ...ztoc })),
  );

  test.each(built)(
    '$name has the same number of entries and the same end as in the reference',
    ({ name, files, uncompressedArchiveSize }) => {
      const layer = readGoldenLayer(name);
      const contents = scan(name.endsWith('.gz') ? gunzipSync(layer) : layer);
      expect({ files: contents.entries.length, uncompressedArchiveSize: contents.size }).toEqual({
        files,
        uncompressedArchiveSize,
      });
    },
  );
});

describe('any stream', () => {
  test('is read the same in any chunks', () => {
    const chunkSizes = fc.array(fc.oneof(fc.constantFrom(1, 511, 512, 513), fc.integer({ min: 1, max: 3000 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.constantFrom(...readable), chunkSizes, ({ tar, read }, sizes) => {
        expect(scan(tar, sizes)).toEqual(read);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('is read, or rejected with a ZtocError, after any mutation', () => {
    const random = seededRandom(7);
    const outcomes = new Map<string, number>();
    for (let run = 0; run < 100_000; run++) {
      const outcome = outcomeOf(mutate((cases[run % cases.length] as (typeof cases)[number]).tar, random));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].sort()).toEqual([
      'LIMIT_EXCEEDED',
      'TAR_ENTRY_UNSUPPORTED',
      'TAR_INVALID',
      'TAR_TRUNCATED',
      'read',
    ]);
    expect(outcomes.get('read')).toBeGreaterThan(10_000);
  });
});

/** Returns a copy with up to three changed bytes, usually with a corrected checksum, and sometimes truncated. */
function mutate(tar: Uint8Array, random: (bound: number) => number): Uint8Array {
  const mutated = tar.slice(0, random(4) === 0 ? random(tar.length + 1) : tar.length);
  for (let change = random(4); change > 0 && mutated.length > 0; change--) {
    const at = random(mutated.length);
    mutated[at] = random(2) === 0 ? random(256) : ([0, 0x0a, 0x20, 0x30, 0x3d, 0x80, 0xff][random(7)] as number);
    const start = at - (at % BLOCK_SIZE);
    const block = mutated.subarray(start, start + BLOCK_SIZE);
    if (block.length === BLOCK_SIZE && random(8) > 0) block.set(toBytes(tarChecksum(block)), 148);
  }
  return mutated;
}

function outcomeOf(tar: Uint8Array): string {
  const scanner = new TarScanner();
  try {
    scanner.push(tar);
    const { files, uncompressedArchiveSize } = scanner.finish();
    const isPossible = uncompressedArchiveSize <= tar.length && files.length <= tar.length / BLOCK_SIZE;
    return isPossible ? 'read' : 'read more than the stream has';
  } catch (error) {
    if (!(error instanceof ZtocError)) throw error;
    return error.offset !== undefined && error.offset < tar.length
      ? error.code
      : `${error.code} without a valid offset`;
  }
}
