import { describe, expect, it } from 'vitest';
import { decodeZtoc } from '../encoding/decode-ztoc.ts';
import { readReferenceZtoc } from '../encoding/fixtures/reference-ztocs.ts';
import { type GzipCheckpoint, WINDOW_SIZE } from '../gzip/checkpoints.ts';
import { packCheckpoints } from '../gzip/fixtures/pack-checkpoints.ts';
import type { Ztoc } from '../ztoc.ts';
import { countSpans, listSpans, packSpanTable, spanSizeOf, spansOfRange, unpackSpanTable } from './list-spans.ts';

type Point = readonly [inputOffset: number, outputOffset: number, bits: number];

function gzipZtoc(points: readonly Point[], compressedArchiveSize: number, uncompressedArchiveSize: number): Ztoc {
  const window = new Uint8Array(WINDOW_SIZE);
  const checkpoints = points.map(
    ([inputOffset, outputOffset, bits]): GzipCheckpoint => ({ inputOffset, outputOffset, bits, window }),
  );
  return {
    version: '0.9',
    buildToolIdentifier: '',
    compressedArchiveSize,
    uncompressedArchiveSize,
    files: [],
    compression: 'gzip',
    maxSpanId: points.length - 1,
    spanDigests: points.map((_, i) => `digest ${i}`),
    checkpoints: packCheckpoints(checkpoints, 100),
  };
}

const points: readonly Point[] = [
  [10, 0, 0],
  [15, 0, 0],
  [120, 150, 5],
  [200, 300, 0],
];
const layer = gzipZtoc(points, 250, 400);

describe('spans of a gzip layer', () => {
  it('run from checkpoint to checkpoint, and share the byte that a block starts inside', () => {
    expect(listSpans(layer)).toMatchObject([
      { id: 0, compressedStart: 10, compressedEnd: 15, uncompressedStart: 0, uncompressedEnd: 0, digest: 'digest 0' },
      { id: 1, compressedStart: 15, compressedEnd: 120, uncompressedStart: 0, uncompressedEnd: 150 },
      { id: 2, compressedStart: 119, compressedEnd: 200, uncompressedStart: 150, uncompressedEnd: 300 },
      { id: 3, compressedStart: 200, compressedEnd: 250, uncompressedStart: 300, uncompressedEnd: 400 },
    ]);
  });

  it('end at the start of the last one if the archive ended before it', () => {
    expect(listSpans(gzipZtoc(points, 250, 200)).at(-1)).toMatchObject({
      uncompressedStart: 300,
      uncompressedEnd: 300,
    });
  });

  it('are those of the reference', () => {
    const ztoc = decodeZtoc(readReferenceZtoc('pax-xattrs.tar.gz'));
    const [span, ...others] = listSpans(ztoc);
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      compressedStart: 10,
      compressedEnd: 462,
      uncompressedStart: 0,
      uncompressedEnd: 8192,
    });
  });

  it.each<[what: string, ztoc: Ztoc]>([
    ['one ends after the end of the layer', gzipZtoc(points, 199, 400)],
    ['the last starts at the end of the layer', gzipZtoc(points, 200, 400)],
    ['one would inflate more than deflate can', gzipZtoc(points, 250, 300 + 50 * 1032 + 1)],
    ['digests are missing', { ...layer, spanDigests: ['digest 0'] }],
    ['the last span ID is wrong', { ...layer, maxSpanId: 4 }],
  ])('are rejected if %s', (_, ztoc) => {
    expect(() => listSpans(ztoc)).toThrow(expect.objectContaining({ code: 'ZTOC_INVALID' }));
  });
});

it('spans of an uncompressed layer have the same size, except the last one', () => {
  const table = { spanSize: 100, size: 250 };
  const spans = listSpans({
    ...layer,
    compression: 'uncompressed',
    maxSpanId: 2,
    spanDigests: ['a', 'b', 'c'],
    uncompressedArchiveSize: 200,
    checkpoints: packSpanTable(table),
  });
  expect(spans.map((span) => [span.compressedStart, span.compressedEnd, span.uncompressedStart])).toEqual([
    [0, 100, 0],
    [100, 200, 100],
    [200, 250, 200],
  ]);
  expect(spans.every(({ checkpoint }) => checkpoint === undefined)).toBe(true);
});

it('spanSizeOf returns the requested span size, independent of the number of spans', () => {
  expect(spanSizeOf(layer)).toBe(100);
  const checkpoints = packSpanTable({ spanSize: 1000, size: 250 });
  expect(spanSizeOf({ compression: 'uncompressed', checkpoints })).toBe(1000);
});

describe('spansOfRange', () => {
  const spans = listSpans(layer);
  const idsOf = (offset: number, length: number) => spansOfRange(spans, offset, length).map(({ id }) => id);

  it('returns the spans with a byte of the range, without empty ones', () => {
    expect(idsOf(0, 1)).toEqual([1]);
    expect(idsOf(149, 1)).toEqual([1]);
    expect(idsOf(149, 2)).toEqual([1, 2]);
    expect(idsOf(150, 150)).toEqual([2]);
    expect(idsOf(0, 400)).toEqual([1, 2, 3]);
  });

  it('returns no spans for an empty range', () => {
    expect(idsOf(150, 0)).toEqual([]);
    expect(spansOfRange([], 0, 0)).toEqual([]);
  });

  it('rejects a range after the last span', () => {
    expect(() => idsOf(399, 2)).toThrow(expect.objectContaining({ code: 'ZTOC_INVALID' }));
    expect(() => idsOf(-1, 2)).toThrow(expect.objectContaining({ code: 'ZTOC_INVALID' }));
  });
});

describe('span table', () => {
  it.each([
    ['plain-small.tar', 20_480],
    ['plain-empty.tar', 0],
  ] as const)('of %s equals that of the reference', (layer, size) => {
    const { checkpoints } = decodeZtoc(readReferenceZtoc(layer));
    expect(unpackSpanTable(checkpoints)).toEqual({ spanSize: 4_194_304, size });
    expect(packSpanTable({ spanSize: 4_194_304, size })).toEqual(checkpoints);
  });

  it('supports sizes above 32 bits', () => {
    const table = { spanSize: 2 ** 33, size: 2 ** 50 + 1 };
    expect(unpackSpanTable(packSpanTable(table))).toEqual(table);
  });

  it.each<[what: string, table: Uint8Array]>([
    ['empty', new Uint8Array(0)],
    ['truncated', packSpanTable({ spanSize: 4, size: 9 }).subarray(0, 20)],
    ['of another version', withByte(packSpanTable({ spanSize: 4, size: 9 }), 2, 3)],
    ['without a span size', packSpanTable({ spanSize: 0, size: 9 })],
    ['with a negative span size', packSpanTable({ spanSize: -4, size: 9 })],
    ['with a negative size', packSpanTable({ spanSize: 4, size: -9 })],
  ])('is rejected if it is %s', (_, table) => {
    expect(() => unpackSpanTable(table)).toThrow(expect.objectContaining({ code: 'ZTOC_INVALID' }));
  });

  it('countSpans agrees with the span IDs of the reference (tar_zinfo.go, MaxSpanID)', () => {
    expect(countSpans({ spanSize: 10, size: 0 })).toBe(0);
    expect(countSpans({ spanSize: 10, size: 1 })).toBe(1);
    expect(countSpans({ spanSize: 10, size: 10 })).toBe(1);
    expect(countSpans({ spanSize: 10, size: 11 })).toBe(2);
  });
});

/** Replaces the last byte with value `old`. */
function withByte(bytes: Uint8Array, old: number, value: number): Uint8Array {
  bytes[bytes.lastIndexOf(old)] = value;
  return bytes;
}
