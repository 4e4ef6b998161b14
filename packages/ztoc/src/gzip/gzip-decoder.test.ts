import { deflateSync } from 'node:zlib';
import { readGoldenLayer, seededRandom } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { ZtocError } from '../errors.ts';
import { gzipMember } from './fixtures/gzip-member.ts';
import { mixedBytes } from './fixtures/layer-data.ts';
import { GzipDecoder } from './gzip-decoder.ts';

interface Decoded {
  readonly output: Buffer;
  /** Each checkpoint as `input offset / bits / output offset`. */
  readonly checkpoints: readonly string[];
  /** The bytes of each span. */
  readonly spans: readonly Buffer[];
}

function decode(layer: Uint8Array, step = layer.length || 1, spanSize = 1000, wantsOutput = () => true): Decoded {
  const output: Uint8Array[] = [];
  const checkpoints: string[] = [];
  const spans: Uint8Array[][] = [];
  const decoder = new GzipDecoder(
    {
      output: (bytes) => output.push(bytes.slice()),
      spanInput: (bytes) => spans.at(-1)?.push(bytes.slice()),
      checkpoint: ({ inputOffset, bits, outputOffset }) => {
        checkpoints.push(`${inputOffset}/${bits}/${outputOffset}`);
        spans.push([]);
      },
      wantsOutput,
    },
    { spanSize },
  );
  try {
    for (let at = 0; at < layer.length; at += step) decoder.push(layer.subarray(at, at + step));
    decoder.finish();
  } finally {
    decoder.close();
  }
  return { output: Buffer.concat(output), checkpoints, spans: spans.map((chunks) => Buffer.concat(chunks)) };
}

function errorOf(layer: Uint8Array, step?: number): string {
  try {
    decode(layer, step);
  } catch (error) {
    if (error instanceof ZtocError) return `${error.code} at ${error.offset}`;
    throw error;
  }
  return 'accepted';
}

const text = mixedBytes(5000, 1);

describe('GzipDecoder', () => {
  it('accepts any number of members, with every optional part of a header', () => {
    const layer = Buffer.concat([
      gzipMember(text.subarray(0, 1000), { name: 'a file', headerCrc: true }),
      gzipMember(new Uint8Array(0)),
      gzipMember(text.subarray(1000, 4000), { extra: new Uint8Array(70), comment: 'why', level: 0 }),
      gzipMember(text.subarray(4000), { extra: new Uint8Array(0), name: '', comment: '', headerCrc: true }),
    ]);
    for (const step of [1, 2, 3, 5, 11, 64, layer.length]) {
      expect(Buffer.compare(decode(layer, step).output, text)).toBe(0);
    }
  });

  it('creates the first checkpoint after the header, and others after more than a span size of output', () => {
    const layer = gzipMember(mixedBytes(300_000, 2), { level: 0, name: 'n' });
    // Stored blocks of at most 65,535 bytes: five bytes of header, then the data.
    const { checkpoints } = decode(layer, layer.length, 65_535);
    expect(checkpoints[0]).toBe('12/0/0');
    const outputs = checkpoints.map((checkpoint) => Number(checkpoint.split('/')[2]));
    for (let i = 1; i < outputs.length; i++)
      expect(Number(outputs[i]) - Number(outputs[i - 1])).toBeGreaterThan(65_535);
    expect(checkpoints.length).toBeGreaterThan(2);
  });

  it('creates a checkpoint at every block header and member before the first output', () => {
    const empty = gzipMember(new Uint8Array(0));
    const { checkpoints } = decode(Buffer.concat([empty, empty, gzipMember(text)]));
    expect(checkpoints.slice(0, 3)).toEqual(['10/0/0', `${empty.length + 10}/0/0`, `${2 * empty.length + 10}/0/0`]);
  });

  it('reports the bytes of each span, with shared bytes in both spans', () => {
    const layer = readGoldenLayer('members-6.tar.gz');
    for (const step of [layer.length, 997, 1]) {
      const { checkpoints, spans } = decode(layer, step, 4096);
      const positions = checkpoints.map((checkpoint) => checkpoint.split('/').map(Number) as [number, number]);
      expect(positions.length).toBeGreaterThan(6);
      positions.forEach(([inputOffset, bits], i) => {
        const end = positions[i + 1]?.[0] ?? layer.length;
        expect(Buffer.compare(spans[i] as Buffer, layer.subarray(inputOffset - (bits === 0 ? 0 : 1), end))).toBe(0);
      });
    }
  });

  it('rejects a layer truncated at any byte', () => {
    const layer = Buffer.concat([
      gzipMember(text.subarray(0, 300), { name: 'x' }),
      gzipMember(text.subarray(300, 500)),
    ]);
    const firstEnd = gzipMember(text.subarray(0, 300), { name: 'x' }).length;
    for (let size = 0; size < layer.length; size++) {
      if (size !== firstEnd) expect(errorOf(layer.subarray(0, size))).toBe(`GZIP_TRUNCATED at ${size}`);
    }
  });

  it.each<[what: string, layer: Uint8Array, error: string]>([
    ['a zlib stream', deflateSync(text), 'GZIP_HEADER_INVALID at 2'],
    ['another magic', Buffer.from('PK\x03\x04 and so on'), 'GZIP_HEADER_INVALID at 0'],
    ['a wrong second magic byte', Buffer.of(0x1f, 0x8c, 8, 0), 'GZIP_HEADER_INVALID at 0'],
    ['another compression method', Buffer.of(0x1f, 0x8b, 9, 0, 0, 0), 'GZIP_HEADER_INVALID at 0'],
    ['a reserved flag', gzipMember(text, { flags: 0x20 }), 'GZIP_HEADER_INVALID at 0'],
    ['a wrong header checksum', gzipMember(text, { headerCrc: 'wrong' }), 'GZIP_HEADER_INVALID at 0'],
    [
      'trailing bytes',
      Buffer.concat([gzipMember(text), Buffer.of(0)]),
      `GZIP_HEADER_INVALID at ${gzipMember(text).length}`,
    ],
    ['a name that Go rejects', gzipMember(text, { name: 'n'.repeat(512) }), 'GZIP_HEADER_INVALID at 523'],
    ['a wrong CRC', damaged(gzipMember(text), -8), `GZIP_CHECKSUM_MISMATCH at ${gzipMember(text).length - 8}`],
    ['a wrong length', damaged(gzipMember(text), -4), `GZIP_CHECKSUM_MISMATCH at ${gzipMember(text).length - 8}`],
    ['a bad block type', damaged(gzipMember(text, { strategy: 4 }), 10, 4), 'GZIP_DATA_INVALID at 10'],
  ])('rejects %s with any chunk size', (_, layer, error) => {
    for (const step of [1, 7, layer.length]) expect(errorOf(layer, step)).toBe(error);
  });

  it('accepts a long name after the end of the archive, which the reference does not read with Go', () => {
    const layer = Buffer.concat([gzipMember(text), gzipMember(text, { name: 'n'.repeat(512) })]);
    expect(decode(layer, layer.length, 1000, () => false).output.length).toBe(10_000);
    expect(decode(gzipMember(text, { name: 'n'.repeat(511), comment: 'c'.repeat(511) })).output.length).toBe(5000);
  });

  it("accepts a zlib stream after the end of the archive, as zlib's inflate does, but not before", () => {
    const layer = Buffer.concat([gzipMember(text), deflateSync(text)]);
    const { output, checkpoints } = decode(layer, 3, 1000, () => false);
    expect(output.length).toBe(10_000);
    expect(checkpoints).toContain(`${gzipMember(text).length + 2}/0/5000`);
    expect(errorOf(layer)).toBe(`GZIP_HEADER_INVALID at ${gzipMember(text).length + 2}`);
    expect(() => decode(damaged(layer, -1), 3, 1000, () => false)).toThrow(
      expect.objectContaining({ code: 'GZIP_CHECKSUM_MISMATCH', offset: layer.length - 4 }),
    );
  });

  it('decodes or rejects 100,000 damaged layers', () => {
    const random = seededRandom(1952);
    const originals = Array.from({ length: 50 }, (_, i) =>
      Buffer.concat([
        gzipMember(mixedBytes(20 + random(150), i), {
          level: random(10),
          strategy: random(5),
          memLevel: 1,
          ...(i & 1 ? { name: 'n' } : {}),
        }),
        gzipMember(mixedBytes(random(60), i), { headerCrc: (i & 2) === 0 }),
      ]),
    );
    const counts = new Map<string, number>();
    for (let i = 0; i < 100_000; i++) {
      const layer = Buffer.from(originals[i % originals.length] as Uint8Array);
      for (let faults = 1 + random(3); faults > 0; faults--) flip(layer, random(layer.length), 1 << random(8));
      const outcome = errorOf(random(10) === 0 ? layer.subarray(0, random(layer.length)) : layer).replace(/ .*/, '');
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(
      ['GZIP_CHECKSUM_MISMATCH', 'GZIP_DATA_INVALID', 'GZIP_HEADER_INVALID', 'GZIP_TRUNCATED', 'accepted'].sort(),
    );
  });
});

function flip(layer: Buffer, at: number, xor: number): void {
  layer.writeUInt8(layer.readUInt8(at) ^ xor, at);
}

function damaged(layer: Buffer, at: number, xor = 1): Buffer {
  flip(layer, (at + layer.length) % layer.length, xor);
  return layer;
}
