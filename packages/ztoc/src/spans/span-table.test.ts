import { describe, expect, it } from 'vitest';
import { decodeZtoc } from '../envelope/decode.ts';
import { readReferenceZtoc } from '../envelope/fixtures/reference-ztocs.ts';
import { countSpans, packSpanTable, unpackSpanTable } from './span-table.ts';

describe('span table', () => {
  it.each([
    ['plain-small.tar', 20_480],
    ['plain-empty.tar', 0],
  ] as const)('of %s is that of the reference', (layer, size) => {
    const { checkpoints } = decodeZtoc(readReferenceZtoc(layer));
    expect(unpackSpanTable(checkpoints)).toEqual({ spanSize: 4_194_304, size });
    expect(packSpanTable({ spanSize: 4_194_304, size })).toEqual(checkpoints);
  });

  it('holds sizes beyond 32 bits', () => {
    const table = { spanSize: 2 ** 33, size: 2 ** 50 + 1 };
    expect(unpackSpanTable(packSpanTable(table))).toEqual(table);
  });

  it.each<[what: string, table: Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['cut', packSpanTable({ spanSize: 4, size: 9 }).subarray(0, 20)],
    ['of another version', withByte(packSpanTable({ spanSize: 4, size: 9 }), 2, 3)],
    ['without a span size', packSpanTable({ spanSize: 0, size: 9 })],
    ['of negative span size', packSpanTable({ spanSize: -4, size: 9 })],
    ['of negative size', packSpanTable({ spanSize: 4, size: -9 })],
  ])('is refused when it is %s', (_, table) => {
    expect(() => unpackSpanTable(table)).toThrow(expect.objectContaining({ code: 'ZTOC_INVALID' }));
  });

  it('cuts a layer as the reference numbers its spans (tar_zinfo.go, MaxSpanID)', () => {
    expect(countSpans({ spanSize: 10, size: 0 })).toBe(0);
    expect(countSpans({ spanSize: 10, size: 1 })).toBe(1);
    expect(countSpans({ spanSize: 10, size: 10 })).toBe(1);
    expect(countSpans({ spanSize: 10, size: 11 })).toBe(2);
  });
});

/** Puts `value` where the last byte of value `old` stands. */
function withByte(bytes: Uint8Array, old: number, value: number): Uint8Array {
  bytes[bytes.lastIndexOf(old)] = value;
  return bytes;
}
