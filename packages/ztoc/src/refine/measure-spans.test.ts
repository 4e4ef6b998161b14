import { describe, expect, it } from 'vitest';
import { buildZtoc } from '../build/build-ztoc.ts';
import { bytesSource } from '../read/random-access-source.ts';
import { listSpans } from '../spans/list-spans.ts';
import type { Ztoc } from '../ztoc.ts';
import type { ReadRange } from './choose-spans.ts';
import { LARGE_LAYERS, LARGE_TAR } from './fixtures/large-layers.ts';
import { measureSpans } from './measure-spans.ts';
import { refineZtoc } from './refine-ztoc.ts';

const MIB = 1 << 20;
const SPAN_SIZES = [MIB, 4 * MIB, 16 * MIB, 100 * MIB];

const READS: readonly ReadRange[] = [
  { start: 1000, end: 40_000 },
  { start: 25 * MIB, end: 27 * MIB },
];

/** Reads spans as the runtime does: those of each byte of a range, and of the byte after it. */
function readSpans(ztoc: Ztoc) {
  const spans = listSpans(ztoc).filter(
    ({ uncompressedStart, uncompressedEnd }) =>
      uncompressedStart < uncompressedEnd &&
      READS.some(({ start, end }) => start < uncompressedEnd && end >= uncompressedStart),
  );
  const sum = (length: (span: (typeof spans)[number]) => number) =>
    spans.reduce((total, span) => total + length(span), 0);
  return {
    spans: ztoc.maxSpanId + 1,
    spansRead: spans.length,
    bytesRead: sum(({ compressedStart, compressedEnd }) => compressedEnd - compressedStart),
    bytesInflated: sum(({ uncompressedStart, uncompressedEnd }) => uncompressedEnd - uncompressedStart),
  };
}

describe.each(Object.entries({ ...LARGE_LAYERS, 'no compression': LARGE_TAR }))('measureSpans: %s', (_, layer) => {
  it('knows what a zTOC with each span size would be, from one build', async () => {
    const built = await buildZtoc([layer], { spanSize: 'auto', otherSpanSizes: SPAN_SIZES });
    const [auto, ...fixed] = measureSpans(built, SPAN_SIZES, READS);
    const refined =
      built.candidates === undefined
        ? built
        : await refineZtoc(built.bytes, built.candidates, READS, bytesSource(layer));
    expect(auto).toMatchObject({ spanSize: 'auto', ...readSpans(refined.ztoc) });
    expect(Math.abs((auto?.ztocSize ?? 0) - refined.bytes.length)).toBeLessThan(16);
    for (const [i, spanSize] of SPAN_SIZES.entries()) {
      const { ztoc, bytes } = await buildZtoc([layer], { spanSize });
      expect(fixed[i]).toMatchObject({ spanSize, ...readSpans(ztoc) });
      expect(Math.abs((fixed[i]?.ztocSize ?? 0) - bytes.length)).toBeLessThan(16);
    }
  });
});

describe('measureSpans', () => {
  it('needs a build that has the same zTOC and candidates', async () => {
    const layer = LARGE_LAYERS['several members'] as Uint8Array;
    const plain = await buildZtoc([layer], { spanSize: 'auto' });
    const measured = await buildZtoc([layer], { spanSize: 'auto', otherSpanSizes: SPAN_SIZES });
    expect(Buffer.compare(measured.bytes, plain.bytes)).toBe(0);
    const checkpoints = [measured, plain].map(({ candidates }) => candidates?.checkpoints ?? new Uint8Array());
    expect(Buffer.compare(...(checkpoints as [Uint8Array, Uint8Array]))).toBe(0);
  });

  it('reads nothing without reads, or of an empty layer', async () => {
    const gzip = LARGE_LAYERS['gzip -1'] as Uint8Array;
    const built = await buildZtoc([gzip], { spanSize: 'auto', otherSpanSizes: [MIB] });
    const nothing = { spansRead: 0, bytesRead: 0, bytesInflated: 0 };
    expect(measureSpans(built, [MIB], [])).toMatchObject([nothing, nothing]);
  });

  it('rejects a span size that is not positive', async () => {
    await expect(buildZtoc([LARGE_TAR], { spanSize: 'auto', otherSpanSizes: [0] })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    });
  });
});
