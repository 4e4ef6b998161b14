import { Random } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { CandidateList, candidateLimits, type SpanCandidates } from './candidate-list.ts';
import { type GzipCheckpoint, unpackCheckpoints, WINDOW_SIZE } from './checkpoints.ts';

const checkpointAt = (outputOffset: number): GzipCheckpoint => ({
  inputOffset: 10 + outputOffset,
  outputOffset,
  bits: outputOffset % 8,
  window: new Uint8Array(WINDOW_SIZE).fill(outputOffset % 251),
});

/** Span size in these tests. */
const SPAN_SIZE = 1000;

/**
 * Collects candidates as the decoder does: it passes the first block after the span size as a span, and the first block
 * after the distance as a candidate.
 */
function collect(blocks: Iterable<number>, minDistance: number, doublingCount: number, maxDistance = SPAN_SIZE) {
  const list = new CandidateList({ minDistance, maxDistance, doublingCount });
  const spans: number[] = [];
  let distance = minDistance;
  let last = 0;
  for (const offset of blocks) {
    const spanStart = spans.at(-1) ?? 0;
    if (offset === 0 || offset - spanStart > SPAN_SIZE) {
      list.addSpan(checkpointAt(offset));
      spans.push(offset);
      last = offset;
    } else if (offset - last > distance) {
      distance = list.add(checkpointAt(offset));
      last = offset;
    }
  }
  const candidates = list.finish();
  return { candidates, spans, offsets: offsetsOf(candidates) };
}

const offsetsOf = ({ checkpoints }: SpanCandidates) =>
  unpackCheckpoints(checkpoints).checkpoints.map(({ outputOffset }) => outputOffset);

function* blocksOf(size: number, count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i * size;
}

describe('CandidateList', () => {
  it('keeps the first span start and a candidate after each minimum distance', () => {
    const { candidates, offsets } = collect(blocksOf(30, 40), 100, 1000);
    expect(offsets).toEqual([0, 120, 240, 360, 480, 600, 720, 840, 1140]);
    expect(candidates.minDistance).toBe(100);
  });

  it('copies the checkpoints unchanged', () => {
    const { candidates, offsets } = collect(blocksOf(30, 40), 100, 1000);
    expect(unpackCheckpoints(candidates.checkpoints)).toEqual({
      spanSize: 100,
      checkpoints: offsets.map(checkpointAt),
    });
  });

  it('doubles the minimum distance and thins the list when it is full', () => {
    const { candidates, offsets } = collect(blocksOf(10, 300), 20, 20);
    expect(candidates.minDistance).toBe(160);
    expect(offsets.length).toBeLessThanOrEqual(20);
    expect(offsets.length).toBeGreaterThan(10);
  });

  it('does not thin the list further than to the maximum distance', () => {
    const { candidates, offsets } = collect(blocksOf(10, 300), 20, 20, 50);
    expect(candidates.minDistance).toBe(50);
    expect(offsets.length).toBeGreaterThan(40);
  });

  it('keeps no candidate if blocks are as large as spans', () => {
    expect(collect(blocksOf(1001, 100), 100, 20).offsets).toEqual([0]);
  });

  it('keeps only the first of the empty spans', () => {
    const { spans, offsets } = collect([0, 0, 0, 50, 150, 300], 100, 20);
    expect(spans).toEqual([0, 0, 0]);
    expect(offsets).toEqual([0, 150, 300]);
  });

  it('has at most the maximum number, and no candidate is too close to another point (1,000 seeded layers)', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(seed);
      const largest = random.magnitude(1, 2000);
      let offset = 0;
      const blocks = random.list(random.between(1, 200), () => {
        offset += random.between(0, largest);
        return offset;
      });
      const maxCount = random.between(2, 30);
      const { candidates, spans, offsets } = collect([0, ...blocks], random.between(1, 300), maxCount);
      if (candidates.minDistance < SPAN_SIZE) expect(offsets.length).toBeLessThanOrEqual(maxCount);
      const points = [...new Set([...spans, ...offsets])].sort((a, b) => a - b);
      const distances = points.slice(1).map((point, i) => point - (points[i] as number));
      expect(Math.min(...distances, Number.POSITIVE_INFINITY)).toBeGreaterThan(candidates.minDistance);
    }
  });
});

describe('candidateLimits', () => {
  const KIB = 1024;

  it.each<[layerSize: number, minDistance: number]>([
    [0, 256 * KIB],
    [600 * 256 * KIB, 256 * KIB],
    [600 * 256 * KIB + 1, 512 * KIB],
    [600 * 512 * KIB + 1, 1024 * KIB],
    [600 * 2048 * KIB + 1, 4096 * KIB],
    [1e12, 4096 * KIB],
  ])('starts a layer of %i bytes with a distance of %i', (layerSize, minDistance) => {
    expect(candidateLimits(layerSize).minDistance).toBe(minDistance);
  });
});
