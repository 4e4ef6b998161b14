import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { readGoldenLayer } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { buildZtoc } from '../build/build-ztoc.ts';
import { gzipMember } from '../gzip/fixtures/gzip-member.ts';
import { mixedBytes } from '../gzip/fixtures/layer-data.ts';
import { checkSpan, inflateFrom, inflateSpan } from './inflate-span.ts';
import { listSpans, type Span } from './list-spans.ts';

describe('inflateFrom', () => {
  it.each([
    'gzip-level9.tar.gz',
    'gzip-level0.tar.gz',
    'gzip-fixed.tar.gz',
    'members-6.tar.gz',
    'members-with-empty.tar.gz',
    'blocks-empty-first.tar.gz',
    'far-distance.tar.gz',
  ])('inflates each span of %s from its own bytes', async (name) => {
    const layer = readGoldenLayer(name);
    const archive = gunzipSync(layer);
    const { ztoc } = await buildZtoc([layer], { spanSize: 10_000 });
    const spans = listSpans(ztoc);
    expect(spans.length).toBeGreaterThan(3);
    for (const span of spans) {
      const compressed = layer.subarray(span.compressedStart, span.compressedEnd);
      expect(`sha256:${createHash('sha256').update(compressed).digest('hex')}`).toBe(span.digest);
      if (span.checkpoint === undefined) throw new Error('a gzip span has a checkpoint');
      const output = inflateFrom(compressed, span.checkpoint, span.uncompressedEnd - span.uncompressedStart);
      for (const size of [0, 1, 1000, output.length, output.length + 1]) {
        const end = inflateFrom(compressed, span.checkpoint, output.length, size);
        expect(Buffer.compare(end, output.subarray(output.length - Math.min(size, output.length)))).toBe(0);
      }
      expect(Buffer.compare(output, archive.subarray(span.uncompressedStart, span.uncompressedEnd))).toBe(0);
    }
  });

  it('verifies members that are complete in the span', () => {
    const start = { inputOffset: 10, outputOffset: 0, bits: 0, window: new Uint8Array(32_768) };
    const bytes = mixedBytes(3000, 5);
    const members = Buffer.concat([gzipMember(bytes), gzipMember(bytes)]).subarray(10);
    expect(Buffer.compare(inflateFrom(members, start, 6000).subarray(3000), bytes)).toBe(0);
    members.writeUInt8(members.readUInt8(members.length - 8) ^ 1, members.length - 8);
    expect(() => inflateFrom(members, start, 6001)).toThrow(
      expect.objectContaining({ code: 'GZIP_CHECKSUM_MISMATCH' }),
    );
  });

  it('rejects a span that inflates to fewer bytes than expected', () => {
    const start = { inputOffset: 10, outputOffset: 0, bits: 0, window: new Uint8Array(32_768) };
    const member = gzipMember(mixedBytes(3000, 5)).subarray(10);
    expect(inflateFrom(member, start, 100).length).toBe(100);
    expect(() => inflateFrom(member, start, 3001)).toThrow(expect.objectContaining({ code: 'GZIP_TRUNCATED' }));
    expect(() => inflateFrom(member, start, 3001, 1)).toThrow(expect.objectContaining({ code: 'GZIP_TRUNCATED' }));
  });
});

describe('checkSpan', () => {
  it.each(['gzip-level6.tar.gz', 'members-6.tar.gz', 'plain.tar'])('finds every span of %s valid', async (name) => {
    const { spans, bytesOf } = await spansOf(name);
    expect(spans.length).toBeGreaterThan(3);
    for (const span of spans) {
      expect(checkSpan(span, bytesOf(span), spans[span.id + 1])).toEqual({ outcome: 'valid' });
      expect(inflateSpan(span, bytesOf(span)).length).toBe(span.uncompressedEnd - span.uncompressedStart);
    }
  });

  it('detects other bytes, a wrong checkpoint and a wrong end', async () => {
    const { spans, bytesOf } = await spansOf('gzip-level6.tar.gz');
    const [first, second, third] = spans as [Span, Span, Span];
    expect(checkSpan(first, bytesOf(second), second)).toEqual({
      outcome: 'digest-mismatch',
      reason: expect.stringMatching(/^span 0 \(bytes 10 to \d+ of the layer\) does not have the digest sha256:/),
    });
    expect(checkSpan({ ...second, checkpoint: first.checkpoint }, bytesOf(second), third)).toMatchObject({
      outcome: 'content-mismatch',
      reason: expect.stringContaining('cannot inflate span 1 from its checkpoint'),
    });
    expect(checkSpan(second, bytesOf(second), second)).toEqual({
      outcome: 'content-mismatch',
      reason: 'span 1 does not inflate to the data in the checkpoint of span 2',
    });
  });
});

async function spansOf(name: string) {
  const layer = readGoldenLayer(name);
  const { ztoc } = await buildZtoc([layer], { spanSize: 10_000 });
  const bytesOf = (span: Span) => layer.subarray(span.compressedStart, span.compressedEnd);
  return { spans: listSpans(ztoc), bytesOf };
}
