import { gzipSync } from 'node:zlib';
import { noise, tarOf } from '@soci/test-content';
import { expect, it } from 'vitest';
import { buildZtoc } from '../build/build-ztoc.ts';
import { bytesSource } from './random-access-source.ts';
import { openZtoc } from './ztoc-reader.ts';

const MIB = 1 << 20;

/** A layer of three files, and a source that counts the bytes that are read. */
const BODIES = [1, 2, 3].map((seed) => noise(2 * MIB, seed));
const LAYER = gzipSync(tarOf(Object.fromEntries(BODIES.map((body, i) => [`file-${i}`, body]))), { level: 1 });

function countReads() {
  const source = bytesSource(LAYER);
  const counted = { bytes: 0, source };
  counted.source = {
    size: source.size,
    read(offset, length) {
      counted.bytes += length;
      return source.read(offset, length);
    },
  };
  return counted;
}

/** Offsets and lengths in the second file, across several candidates. */
const RANGES: readonly (readonly [offset: number, length: number])[] = [
  [0, 1],
  [1, 4096],
  [200_000, 70_000],
  [100_000, 10],
  [0, 2 * MIB],
  [2 * MIB - 1, 1],
  [2 * MIB - 100_000, 200_000],
];

it('a reader with candidates reads less of a layer with large spans, and the same content', async () => {
  const { ztoc, candidates } = await buildZtoc([LAYER], { spanSize: 'auto' });
  const [whole, part] = [countReads(), countReads()];
  const readers = [openZtoc(ztoc, whole.source), openZtoc(ztoc, part.source, { candidates })] as const;
  for (const reader of readers) {
    const range = await reader.readFileRange('file-1', MIB, 1000);
    expect(Buffer.compare(range, (BODIES[1] as Uint8Array).subarray(MIB, MIB + 1000))).toBe(0);
  }
  expect(whole.bytes).toBeGreaterThan(5.9 * MIB);
  expect(part.bytes).toBeLessThan(MIB);
  for (const [i, body] of BODIES.entries()) {
    expect(Buffer.compare(await readers[1].readFile(`file-${i}`), body)).toBe(0);
  }
});

it('a reader with candidates reads ranges in any order, and at the same time', async () => {
  const { ztoc, candidates } = await buildZtoc([LAYER], { spanSize: 'auto' });
  const reader = openZtoc(ztoc, bytesSource(LAYER), { candidates, maxFetchSize: 50_000 });
  const body = BODIES[1] as Uint8Array;
  const check = async ([offset, length]: readonly [number, number]) => {
    const range = await reader.readFileRange('file-1', offset, length);
    expect(Buffer.compare(range, body.subarray(offset, offset + length))).toBe(0);
  };
  for (const range of [...RANGES, ...RANGES.toReversed()]) await check(range);
  await Promise.all(RANGES.map(check));
});

it('a reader with candidates fetches less for the next range, because it keeps where the last one ended', async () => {
  const { ztoc, candidates } = await buildZtoc([LAYER], { spanSize: 'auto' });
  const counted = countReads();
  const reader = openZtoc(ztoc, counted.source, { candidates, maxFetchSize: 16 << 10 });
  const readAt = async (offset: number) => {
    const before = counted.bytes;
    await reader.readFileRange('file-0', offset, 1000);
    return counted.bytes - before;
  };
  const first = await readAt(230_000);
  expect(first).toBeGreaterThan(200_000);
  await readAt(MIB);
  expect(await readAt(232_000)).toBeLessThan(first / 2);
});

it('a reader with candidates names what is wrong with a layer', async () => {
  const { ztoc, candidates } = await buildZtoc([LAYER], { spanSize: 'auto' });
  const damaged = LAYER.slice();
  damaged.fill(0xff, damaged.length / 2);
  const reader = openZtoc(ztoc, bytesSource(damaged), { candidates });
  await expect(reader.readFile('file-1')).rejects.toMatchObject({ code: 'GZIP_DATA_INVALID' });
  const limited = openZtoc(ztoc, bytesSource(LAYER), { candidates, maxSpanSize: 1000 });
  await expect(limited.readFile('file-1')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});
