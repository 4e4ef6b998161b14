import { Random } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { type GzipCheckpoint, WINDOW_SIZE } from '../gzip/checkpoints.ts';
import { boundsOf } from '../spans/list-spans.ts';
import { chooseSpans, type ReadRange, type SpanPoints } from './choose-spans.ts';
import { costOf, MAX_READ_SPAN_SIZE } from './cost-model.ts';

const MIB = 1 << 20;
const window = new Uint8Array(WINDOW_SIZE);

/** A layer without content: where its spans and candidates start. */
interface Layer {
  readonly points: SpanPoints;
  readonly sizes: { readonly compressedArchiveSize: number; readonly uncompressedArchiveSize: number };
}

/** Makes a layer from the output between its points. A list for each span, of which the first point is its start. */
function layerOf(spans: readonly (readonly number[])[], ratio = () => 0.4): Layer {
  const starts: GzipCheckpoint[] = [];
  const candidates: GzipCheckpoint[] = [];
  let inputOffset = 10;
  let outputOffset = 0;
  for (const lengths of spans) {
    for (const [i, length] of lengths.entries()) {
      (i === 0 ? starts : candidates).push({ inputOffset, outputOffset, bits: outputOffset % 8, window });
      inputOffset += 5 + Math.ceil(length * ratio());
      outputOffset += length;
    }
  }
  const sizes = { compressedArchiveSize: inputOffset + 8, uncompressedArchiveSize: outputOffset };
  return { points: { spans: starts, candidates: [starts[0] as GzipCheckpoint, ...candidates] }, sizes };
}

const offsetsOf = (points: readonly GzipCheckpoint[]) => points.map(({ outputOffset }) => outputOffset);

const choose = ({ points, sizes }: Layer, reads: readonly ReadRange[]) => offsetsOf(chooseSpans(points, sizes, reads));

describe('chooseSpans', () => {
  const eight = Array.from({ length: 8 }, () => MIB);
  const layer = layerOf([eight, eight, eight]);

  it('starts a span before and after what is read, and leaves other spans as they are', () => {
    const chosen = choose(layer, [{ start: 10 * MIB + 5, end: 10 * MIB + 1000 }]);
    expect(chosen).toEqual([0, 8 * MIB, 10 * MIB, 11 * MIB, 16 * MIB]);
  });

  it('merges adjacent spans that are read, up to the maximum', () => {
    expect(choose(layer, [{ start: 0, end: 8 * MIB - 1 }])).toEqual([0, 4 * MIB, 8 * MIB, 16 * MIB]);
    expect(choose(layer, [{ start: 0, end: 50 * MIB }])).toEqual([0, 4 * MIB, 8 * MIB, 12 * MIB, 16 * MIB, 20 * MIB]);
  });

  it('merges spans that are read with a small one between them', () => {
    const small = layerOf([[4 * MIB, MIB, 300_000, MIB, 5 * MIB]]);
    const reads = [
      { start: 4 * MIB, end: 4 * MIB + 9 },
      { start: 6 * MIB, end: 6 * MIB + 9 },
    ];
    expect(choose(small, reads)).toEqual([0, 4 * MIB, 6 * MIB + 300_000]);
  });

  it('does not divide a block of a compressor that is larger than the maximum', () => {
    expect(choose(layerOf([[40 * MIB], [MIB]]), [{ start: MIB, end: 2 * MIB }])).toEqual([0, 40 * MIB]);
  });

  it.each<[what: string, reads: ReadRange[]]>([
    ['nothing', []],
    ['empty ranges', [{ start: 3, end: 3 }]],
    ['ranges after the end', [{ start: 24 * MIB, end: 50 * MIB }]],
  ])('changes nothing if it reads %s', (_, reads) => {
    expect(chooseSpans(layer.points, layer.sizes, reads)).toBe(layer.points.spans);
  });

  it('counts the byte after a read, because the snapshotter requests its span too', () => {
    expect(choose(layer, [{ start: 7 * MIB, end: 8 * MIB - 1 }])).toEqual([0, 7 * MIB, 8 * MIB, 16 * MIB]);
    expect(choose(layer, [{ start: 7 * MIB, end: 8 * MIB }])).toEqual([0, 7 * MIB, 8 * MIB, 9 * MIB, 16 * MIB]);
  });

  it('omits empty spans, with which the snapshotter does not mount a layer', () => {
    const { points, sizes } = layerOf([[0], [0], eight]);
    expect(choose({ points, sizes }, [{ start: 5, end: 6 }])).toEqual([0, MIB]);
    expect(choose({ points, sizes }, [])).toEqual([0, 0, 0]);
  });

  it.each([
    { start: -1, end: 5 },
    { start: 5, end: 4 },
    { start: 0.5, end: 4 },
    { start: 0, end: Number.NaN },
  ])('rejects a range from $start to $end', (read) => {
    expect(() => choose(layer, [read])).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });

  it('takes little time for 1,200 candidates and 100,000 reads', () => {
    const random = new Random(1);
    const large = layerOf(Array.from({ length: 19 }, () => Array.from({ length: 64 }, () => MIB / 4 + 1)));
    const size = large.sizes.uncompressedArchiveSize;
    const reads = random.list(100_000, () => {
      const start = random.between(0, size);
      return { start, end: start + random.magnitude(0, MIB) };
    });
    // CPU time, in milliseconds: other processes do not count.
    const times = random.list(5, () => {
      const start = process.cpuUsage();
      choose(large, reads);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    });
    // About 30 ms. Trying all divisions takes minutes.
    expect(Math.min(...times)).toBeLessThan(500);
    expect(choose(large, reads).length).toBeGreaterThan(19);
  });
});

/** Returns the minimum cost over all divisions, from the definition. */
function cheapest({ points, sizes }: Layer, reads: readonly ReadRange[]): number {
  const starts = points.spans.filter(({ outputOffset }, i) => i === 0 || outputOffset > 0);
  let total = 0;
  for (const [i, start] of starts.entries()) {
    const next = starts[i + 1];
    const between = points.candidates.filter(
      ({ inputOffset, outputOffset }) =>
        inputOffset > start.inputOffset &&
        outputOffset > 0 &&
        inputOffset < (next?.inputOffset ?? Number.POSITIVE_INFINITY),
    );
    const isChanged = isRead(boundsOf(start, next, sizes), reads, sizes.uncompressedArchiveSize);
    let best = Number.POSITIVE_INFINITY;
    for (let subset = 0; subset < (isChanged ? 2 ** between.length : 1); subset++) {
      const chosen = [start, ...between.filter((_, k) => subset & (1 << k))];
      best = Math.min(
        best,
        costOfDivision([...chosen, ...(next ? [next] : [])], next === undefined, between, sizes, reads),
      );
    }
    total += best;
  }
  return total;
}

/** Returns the cost of the spans between points; infinite if a span that is read is too large and could be divided. */
function costOfDivision(
  chosen: readonly GzipCheckpoint[],
  isLast: boolean,
  candidates: readonly GzipCheckpoint[],
  sizes: Layer['sizes'],
  reads: readonly ReadRange[],
): number {
  let cost = 0;
  for (const [i, start] of (isLast ? chosen : chosen.slice(0, -1)).entries()) {
    const bounds = boundsOf(start, chosen[i + 1], sizes);
    const reading = isRead(bounds, reads, sizes.uncompressedArchiveSize);
    const isDivisible = candidates.some(
      ({ outputOffset }) => outputOffset > bounds.uncompressedStart && outputOffset < bounds.uncompressedEnd,
    );
    const isTooLarge = bounds.uncompressedEnd - bounds.uncompressedStart > MAX_READ_SPAN_SIZE;
    cost += reading && isTooLarge && isDivisible ? Number.POSITIVE_INFINITY : costOf(bounds, reading);
  }
  return cost;
}

function isRead(
  { uncompressedStart, uncompressedEnd }: { uncompressedStart: number; uncompressedEnd: number },
  reads: readonly ReadRange[],
  size: number,
): boolean {
  return reads.some(
    ({ start, end }) => start < end && start < size && end >= uncompressedStart && start < uncompressedEnd,
  );
}

describe('chooseSpans, compared with all divisions', () => {
  it.each(Array.from({ length: 300 }, (_, seed) => seed))('finds one with the minimum cost (seed %i)', (seed) => {
    const random = new Random(seed);
    const length = () => random.magnitude(1 << 18, random.pick([1 << 19, 1 << 21, 1 << 23]));
    const layer = layerOf(
      random.list(random.between(1, 3), () => random.list(random.between(1, 8), length)),
      () => random.pick([0.001, 0.1, 0.4, 1]),
    );
    const size = layer.sizes.uncompressedArchiveSize;
    const boundaries = [...offsetsOf(layer.points.candidates), ...offsetsOf(layer.points.spans), size];
    const edge = () => random.pick([random.pick(boundaries), random.between(0, size + MIB)]);
    const reads = random.list(random.between(0, 6), () => {
      const [a, b] = [edge(), random.chance(0.3) ? edge() : random.between(0, size)].toSorted((x, y) => x - y);
      const start = a as number;
      return { start, end: random.pick([b as number, start, start + 1, start + random.magnitude(1, 1 << 20)]) };
    });
    if (random.chance(0.05)) reads.push({ start: 0, end: size });
    const chosen = chooseSpans(layer.points, layer.sizes, reads);
    const cost = costOfDivision(chosen, true, layer.points.candidates, layer.sizes, reads);
    const expected = cheapest(layer, reads);
    expect(cost / expected).toBeCloseTo(1, 9);
  });
});
