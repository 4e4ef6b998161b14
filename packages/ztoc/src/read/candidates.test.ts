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
