import { seededRandom } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { buildZtoc } from '../build/build-ztoc.ts';
import { decodeZtoc } from '../encoding/decode-ztoc.ts';
import { encodeZtoc } from '../encoding/encode-ztoc.ts';
import { unpackCheckpoints } from '../gzip/checkpoints.ts';
import { packCheckpoints } from '../gzip/fixtures/pack-checkpoints.ts';
import { digestOf } from '../hashes.ts';
import { bytesSource, type RandomAccessSource } from '../read/random-access-source.ts';
import { openZtoc } from '../read/ztoc-reader.ts';
import { findRuntimeProblems } from '../runtime/runtime-problems.ts';
import { checkSpan } from '../spans/inflate-span.ts';
import { listSpans, spanSizeOf } from '../spans/list-spans.ts';
import type { Ztoc } from '../ztoc.ts';
import type { ReadRange } from './choose-spans.ts';
import { giantBlockLayer, LARGE_LAYERS, LARGE_TAR, withEmptyBlocks } from './fixtures/large-layers.ts';
import { keepCandidates } from './keep-candidates.ts';
import { refineZtoc } from './refine-ztoc.ts';

const MIB = 1 << 20;

const READS: readonly ReadRange[] = [
  { start: 1000, end: 40_000 },
  { start: 25 * MIB, end: 27 * MIB },
  { start: 26 * MIB, end: 26 * MIB + 1 },
];

/** Builds the zTOC of a layer with the span size `auto`. */
async function build(layer: Uint8Array) {
  const { bytes, candidates, ztoc } = await buildZtoc([layer], { spanSize: 'auto' });
  if (candidates === undefined) throw new Error('the layer has no candidates');
  return { bytes, candidates, ztoc };
}

const builds = new Map<Uint8Array, ReturnType<typeof build>>();

async function refine(layer: Uint8Array, reads: readonly ReadRange[], source: RandomAccessSource = bytesSource(layer)) {
  const built = builds.get(layer) ?? build(layer);
  builds.set(layer, built);
  const { bytes, candidates } = await built;
  return refineZtoc(bytes, candidates, reads, source);
}

/** Encodes a zTOC with the span starts of another, and digests that are computed from the layer. */
function encodeDirectly(refined: Ztoc, layer: Uint8Array): Uint8Array {
  const spans = listSpans(refined);
  const spanDigests = spans.map((span) => digestOf(layer.subarray(span.compressedStart, span.compressedEnd)));
  const starts = spans.flatMap(({ checkpoint }) => checkpoint ?? []);
  return encodeZtoc({ ...refined, spanDigests, checkpoints: packCheckpoints(starts, spanSizeOf(refined)) });
}

describe('buildZtoc with the span size auto', () => {
  it.each(Object.entries(LARGE_LAYERS))('builds spans of 10 MiB: %s', async (_, layer) => {
    const { bytes } = await build(layer);
    const fixed = await buildZtoc([layer], { spanSize: 10 * MIB });
    expect(Buffer.compare(bytes, fixed.bytes)).toBe(0);
  });

  it.each(Object.entries(LARGE_LAYERS))('finds a candidate after each 256 KiB and a block: %s', async (_, layer) => {
    const { candidates, ztoc } = await build(layer);
    const { spanSize, checkpoints } = unpackCheckpoints(candidates.checkpoints);
    expect([spanSize, candidates.minDistance]).toEqual([MIB / 4, MIB / 4]);
    const starts = listSpans(ztoc).map(({ uncompressedStart }) => uncompressedStart);
    const points = [...new Set([...starts, ...checkpoints.map(({ outputOffset }) => outputOffset)])];
    points.sort((a, b) => a - b);
    const distances = points.slice(1).map((offset, i) => offset - (points[i] as number));
    expect(Math.min(...distances)).toBeGreaterThan(MIB / 4);
    expect(distances.filter((distance) => distance > MIB / 2 + MIB / 4)).toEqual([]);
  });

  it('builds the same candidates from chunks of any size', async () => {
    const layer = LARGE_LAYERS['gzip -1'] as Uint8Array;
    const random = seededRandom(1);
    function* chunks() {
      for (let at = 0; at < layer.length; ) {
        const size = 1 + random(500_000);
        yield layer.subarray(at, at + size);
        at += size;
      }
    }
    const { candidates } = await buildZtoc(chunks(), { spanSize: 'auto' });
    expect(
      Buffer.compare(candidates?.checkpoints ?? new Uint8Array(0), (await build(layer)).candidates.checkpoints),
    ).toBe(0);
  });

  it('builds spans of 512 KiB for an uncompressed layer, without candidates', async () => {
    const { bytes, candidates } = await buildZtoc([LARGE_TAR], { spanSize: 'auto' });
    expect(candidates).toBeUndefined();
    expect(bytes).toEqual((await buildZtoc([LARGE_TAR], { spanSize: MIB / 2 })).bytes);
  });

  it('rejects too many empty blocks at the start, as with a fixed size', async () => {
    const layer = withEmptyBlocks(LARGE_LAYERS['gzip -1'] as Uint8Array, 1025);
    await expect(build(layer)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe.each(Object.entries(LARGE_LAYERS))('refineZtoc for %s', (_, layer) => {
  it('has the same result if candidates are dropped that the reads do not need', async () => {
    const { bytes, candidates } = await build(layer);
    const plain = { ...candidates, checkpoints: candidates.checkpoints.slice() };
    const all = unpackCheckpoints(candidates.checkpoints).checkpoints.length;
    for (const each of [plain, candidates]) {
      const kept = keepCandidates(bytes, each, READS);
      const { spanSize, checkpoints } = unpackCheckpoints(kept.checkpoints);
      expect(spanSize).toBe(kept.minDistance);
      expect(checkpoints.length).toBeLessThan(all);
      expect(kept.checkpoints.buffer.byteLength).toBe(kept.checkpoints.length);
      const refined = await refineZtoc(bytes, kept, READS, bytesSource(layer));
      expect(Buffer.compare(refined.bytes, (await refine(layer, READS)).bytes)).toBe(0);
      expect(unpackCheckpoints(keepCandidates(bytes, kept, []).checkpoints).checkpoints).toHaveLength(1);
    }
  });

  it('is byte-identical to a zTOC that is built with the same span starts', async () => {
    const refined = await refine(layer, READS);
    expect(refined.ztoc.maxSpanId).toBeGreaterThan(5);
    expect(spanSizeOf(refined.ztoc)).toBe(MIB / 4);
    const decoded = decodeZtoc(refined.bytes);
    expect(Buffer.compare(refined.bytes, encodeDirectly(decoded, layer))).toBe(0);
    expect(refined.ztoc).toEqual(decoded);
  });

  it('describes spans that inflate to the layer, and through which every file can be read', async () => {
    const { ztoc } = await refine(layer, READS);
    const spans = listSpans(ztoc);
    for (const [i, span] of spans.entries()) {
      const compressed = layer.subarray(span.compressedStart, span.compressedEnd);
      expect(checkSpan(span, compressed, spans[i + 1])).toEqual({ outcome: 'valid' });
    }
    const reader = openZtoc(ztoc, bytesSource(layer));
    for (const file of ztoc.files) {
      const { uncompressedOffset: start, uncompressedSize: size } = file;
      expect(Buffer.compare(await reader.readFile(file), LARGE_TAR.subarray(start, start + size))).toBe(0);
    }
  });

  it('describes a layer that the snapshotter mounts', async () => {
    const { ztoc } = await refine(layer, READS);
    expect(findRuntimeProblems(ztoc)).toEqual([]);
  });

  it('does not change a zTOC if nothing is read', async () => {
    const { bytes, candidates } = await build(layer);
    const refined = await refineZtoc(bytes, candidates, [{ start: 5, end: 5 }], unreadable);
    expect(refined.bytes).toBe(bytes);
    expect(refined.ztoc).toEqual(decodeZtoc(bytes));
  });

  it('reads only the spans that change: those that are read, and empty ones', async () => {
    const { bytes, candidates, ztoc } = await build(layer);
    const { start, end } = READS[1] as ReadRange;
    const read: number[] = [];
    const source: RandomAccessSource = {
      size: layer.length,
      async read(offset, length) {
        read.push(offset, offset + length);
        return layer.slice(offset, offset + length);
      },
    };
    await refineZtoc(bytes, candidates, [{ start, end }], source);
    const spans = listSpans(ztoc);
    const changed = spans.find(({ uncompressedEnd }) => uncompressedEnd > start);
    const first = spans.find(({ uncompressedEnd }) => uncompressedEnd === 0) ?? changed;
    expect([Math.min(...read), Math.max(...read)]).toEqual([first?.compressedStart, changed?.compressedEnd]);
  });
});

/** A layer that nothing may read. */
const unreadable: RandomAccessSource = {
  size: 1,
  read: () => Promise.reject(new Error('the layer was read')),
};

describe('refineZtoc', () => {
  const layer = LARGE_LAYERS['gzip -1'] as Uint8Array;

  /** A source in which a byte of the layer is wrong in the first `count` reads. */
  function damaged(count: number): RandomAccessSource {
    let reads = 0;
    return {
      size: layer.length,
      async read(offset, length) {
        const bytes = layer.slice(offset, offset + length);
        if (reads++ < count) bytes[1000] = (bytes[1000] as number) ^ 1;
        return bytes;
      },
    };
  }

  it('fails if the layer has other bytes than when it was built', async () => {
    await expect(refine(layer, READS, damaged(Number.POSITIVE_INFINITY))).rejects.toMatchObject({
      code: 'SPAN_DIGEST_MISMATCH',
      offset: 10,
      message: expect.stringMatching(/span 0 \(bytes 10 to \d+ of the layer\) .* index it again/),
    });
  });

  it('reads a span again once if its digest is wrong', async () => {
    const { bytes } = await refine(layer, READS, damaged(1));
    expect(Buffer.compare(bytes, (await refine(layer, READS)).bytes)).toBe(0);
  });

  it('computes the same digests without verification', async () => {
    const { bytes, candidates } = await build(layer);
    const refined = await refineZtoc(bytes, candidates, READS, bytesSource(layer), { verify: false });
    expect(Buffer.compare(refined.bytes, (await refine(layer, READS)).bytes)).toBe(0);
  });

  it.each<[failure: string, source: RandomAccessSource, code: string]>([
    ['has another size', bytesSource(layer.subarray(1)), 'SPAN_DIGEST_MISMATCH'],
    ['returns fewer bytes', { size: layer.length, read: async () => layer.subarray(0, 5) }, 'SOURCE_READ_FAILED'],
    ['fails', { ...unreadable, size: layer.length }, 'SOURCE_READ_FAILED'],
  ])('fails if the layer %s', async (_, source, code) => {
    await expect(refine(layer, READS, source)).rejects.toMatchObject({ code });
  });

  it('stops when it is aborted', async () => {
    const { bytes, candidates } = await build(layer);
    const controller = new AbortController();
    const source: RandomAccessSource = {
      size: layer.length,
      async read(offset, length) {
        controller.abort('stopped');
        return layer.subarray(offset, offset + length);
      },
    };
    await expect(refineZtoc(bytes, candidates, READS, source, controller)).rejects.toBe('stopped');
  });

  it('does not divide a giant deflate block', async () => {
    const giant = giantBlockLayer(100 * MIB);
    const { bytes, ztoc } = await refine(giant, [{ start: 30 * MIB, end: 31 * MIB }]);
    const spans = listSpans(ztoc);
    const size = Math.max(...spans.map(({ uncompressedStart: start, uncompressedEnd: end }) => end - start));
    expect(size).toBeGreaterThan(100 * MIB);
    expect(Buffer.compare(bytes, encodeDirectly(decodeZtoc(bytes), giant))).toBe(0);
    const content = await openZtoc(ztoc, bytesSource(giant)).readFile('zeros');
    expect(content.some((byte) => byte !== 0)).toBe(false);
  });

  it('accepts candidates that were sent between threads', async () => {
    const { bytes, candidates } = await build(layer);
    const sent = structuredClone(candidates, { transfer: [candidates.checkpoints.buffer] });
    const refined = await refineZtoc(bytes, sent, READS, bytesSource(layer));
    expect(Buffer.compare(refined.bytes, (await refine(layer, READS)).bytes)).toBe(0);
  });
});
