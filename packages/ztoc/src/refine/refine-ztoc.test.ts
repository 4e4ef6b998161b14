import { gzipSync } from 'node:zlib';
import { concat } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { buildZtoc } from '../build/build-ztoc.ts';
import { decodeZtoc } from '../encoding/decode-ztoc.ts';
import { encodeZtoc } from '../encoding/encode-ztoc.ts';
import { gzipMember } from '../gzip/fixtures/gzip-member.ts';
import { packCheckpoints } from '../gzip/fixtures/pack-checkpoints.ts';
import { digestOf } from '../hashes.ts';
import { bytesSource } from '../read/random-access-source.ts';
import { openZtoc } from '../read/ztoc-reader.ts';
import { listSpans, spanSizeOf } from '../spans/list-spans.ts';
import type { Ztoc } from '../ztoc.ts';
import type { ReadRange } from './choose-spans.ts';
import { largeTar } from './fixtures/large-tar.ts';
import { refineZtoc } from './refine-ztoc.ts';

const MIB = 1 << 20;
const tar = largeTar(60 * MIB, 1);

const LAYERS = {
  'gzip -1': gzipSync(tar, { level: 1 }),
  'gzip -6': gzipSync(tar.subarray(0), { level: 6 }),
  'stored blocks': gzipSync(tar, { level: 0 }),
  'several members': concat(
    gzipMember(tar.subarray(0, 20 * MIB), { level: 1, name: 'first' }),
    gzipMember(new Uint8Array(0)),
    gzipMember(tar.subarray(20 * MIB), { level: 2 }),
  ),
};

const READS: ReadRange[] = [
  { start: 1000, end: 40_000 },
  { start: 25 * MIB, end: 27 * MIB },
  { start: 26 * MIB, end: 26 * MIB + 1 },
];

async function build(layer: Uint8Array) {
  const { bytes, candidates, ztoc } = await buildZtoc([layer], { spanSize: 'auto' });
  if (candidates === undefined) throw new Error('the layer has no candidates');
  return { bytes, candidates, ztoc };
}

/** Encodes a zTOC with the checkpoints of another, and digests that are computed from the layer. */
function encodeDirectly(refined: Ztoc, layer: Uint8Array): Uint8Array {
  const spans = listSpans(refined);
  const spanDigests = spans.map((span) => digestOf(layer.subarray(span.compressedStart, span.compressedEnd)));
  const checkpoints = packCheckpoints(
    spans.flatMap(({ checkpoint }) => checkpoint ?? []),
    spanSizeOf(refined),
  );
  return encodeZtoc({ ...refined, files: refined.files, spanDigests, checkpoints });
}

describe('buildZtoc with the span size auto', () => {
  it.each(Object.entries(LAYERS))('builds spans of 16 MiB: %s', async (_, layer) => {
    const { bytes } = await build(layer);
    expect(bytes).toEqual((await buildZtoc([layer], { spanSize: 16 * MIB })).bytes);
  });
});

describe.each(Object.entries(LAYERS))('refineZtoc for %s', (_, layer) => {
  it('is byte-identical to a zTOC that is built with the same span starts', async () => {
    const { bytes, candidates } = await build(layer);
    const refined = await refineZtoc(bytes, candidates, READS, bytesSource(layer));
    expect(refined.ztoc.maxSpanId).toBeGreaterThan(decodeZtoc(bytes).maxSpanId);
    expect(refined.bytes).toEqual(encodeDirectly(decodeZtoc(refined.bytes), layer));
    expect(refined.ztoc).toEqual(decodeZtoc(refined.bytes));
  });

  it('describes spans through which every file can be read', async () => {
    const { bytes, candidates } = await build(layer);
    const { ztoc } = await refineZtoc(bytes, candidates, READS, bytesSource(layer));
    const reader = openZtoc(ztoc, bytesSource(layer));
    for (const file of ztoc.files) {
      const content = await reader.readFile(file);
      const start = file.uncompressedOffset;
      expect(Buffer.compare(content, tar.subarray(start, start + file.uncompressedSize))).toBe(0);
    }
  });

  it('does not change a zTOC if nothing is read', async () => {
    const { bytes, candidates } = await build(layer);
    expect((await refineZtoc(bytes, candidates, [], bytesSource(layer))).bytes).toBe(bytes);
  });
});
