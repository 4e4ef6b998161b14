import { deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { adler32 } from './adler32.ts';

it('is the checksum that zlib writes behind its streams', () => {
  for (const size of [0, 1, 5552, 65_536, 65_537, 300_000]) {
    const bytes = new Uint8Array(size).map((_, i) => 255 - ((i * 7) & 3));
    expect(adler32(bytes)).toBe(deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4));
    expect(adler32(bytes.subarray(size >> 1), adler32(bytes.subarray(0, size >> 1)))).toBe(adler32(bytes));
  }
});
