import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { buildZtoc } from '../build/build-ztoc.ts';
import { listSpans } from '../spans.ts';
import { gzipMember } from './fixtures/gzip-member.ts';
import { mixedBytes, readGoldenLayer } from './fixtures/layer-data.ts';
import { inflateSpan, inflateSpanEnd } from './inflate-span.ts';

describe('a span', () => {
  it.each([
    'gzip-level9.tar.gz',
    'gzip-level0.tar.gz',
    'gzip-fixed.tar.gz',
    'members-6.tar.gz',
    'members-with-empty.tar.gz',
    'blocks-empty-first.tar.gz',
    'far-distance.tar.gz',
  ])('of %s inflates to its part of the archive, from nothing but its own bytes', async (name) => {
    const layer = readGoldenLayer(name);
    const archive = gunzipSync(layer);
    const { ztoc } = await buildZtoc([layer], { spanSize: 10_000 });
    const spans = listSpans(ztoc);
    expect(spans.length).toBeGreaterThan(3);
    for (const span of spans) {
      const compressed = layer.subarray(span.compressedStart, span.compressedEnd);
      expect(`sha256:${createHash('sha256').update(compressed).digest('hex')}`).toBe(span.digest);
      if (span.checkpoint === undefined) throw new Error('a gzip span has a checkpoint');
      const output = inflateSpan(compressed, span.checkpoint, span.uncompressedEnd - span.uncompressedStart);
      for (const size of [0, 1, 1000, output.length, output.length + 1]) {
        const end = inflateSpanEnd(compressed, span.checkpoint, output.length, size);
        expect(Buffer.compare(end, output.subarray(output.length - Math.min(size, output.length)))).toBe(0);
      }
      expect(Buffer.compare(output, archive.subarray(span.uncompressedStart, span.uncompressedEnd))).toBe(0);
    }
  });

  it('checks the members that it holds whole', () => {
    const start = { inputOffset: 10, outputOffset: 0, bits: 0, window: new Uint8Array(32_768) };
    const bytes = mixedBytes(3000, 5);
    const members = Buffer.concat([gzipMember(bytes), gzipMember(bytes)]).subarray(10);
    expect(Buffer.compare(inflateSpan(members, start, 6000).subarray(3000), bytes)).toBe(0);
    members[members.length - 8] ^= 1;
    expect(() => inflateSpan(members, start, 6001)).toThrow(
      expect.objectContaining({ code: 'GZIP_CHECKSUM_MISMATCH' }),
    );
  });

  it('that gives fewer bytes than expected is refused', () => {
    const start = { inputOffset: 10, outputOffset: 0, bits: 0, window: new Uint8Array(32_768) };
    const member = gzipMember(mixedBytes(3000, 5)).subarray(10);
    expect(inflateSpan(member, start, 100).length).toBe(100);
    expect(() => inflateSpan(member, start, 3001)).toThrow(expect.objectContaining({ code: 'GZIP_TRUNCATED' }));
    expect(() => inflateSpanEnd(member, start, 3001, 1)).toThrow(expect.objectContaining({ code: 'GZIP_TRUNCATED' }));
  });
});
