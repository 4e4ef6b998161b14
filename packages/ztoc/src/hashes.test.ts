import { createHash } from 'node:crypto';
import { deflateSync, crc32 as zlibCrc32 } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { adler32 } from './hashes.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** Loads the module with the globals of Node.js, or of a browser, which has no `process`. */
async function load(runtime: 'node' | 'browser'): Promise<typeof import('./hashes.ts')> {
  vi.resetModules();
  if (runtime === 'browser') vi.stubGlobal('process', undefined);
  return import('./hashes.ts');
}

describe.each(['node', 'browser'] as const)('SHA-256 in a %s', (runtime) => {
  it('hashes the FIPS 180-4 test vectors', async () => {
    const { createSha256, formatDigest } = await load(runtime);
    const digestOf = (text: string) => formatDigest(createSha256().update(new TextEncoder().encode(text)).digest());
    expect(digestOf('')).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(digestOf('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('returns the same hash for any chunks', async () => {
    const { createSha256 } = await load(runtime);
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 31);
    const hash = createSha256();
    for (let at = 0, size = 1; at < bytes.length; at += size, size += 7) hash.update(bytes.subarray(at, at + size));
    expect(Uint8Array.from(hash.digest())).toEqual(Uint8Array.from(createHash('sha256').update(bytes).digest()));
  });

  it('has read the bytes when update returns', async () => {
    const { createSha256 } = await load(runtime);
    const bytes = new Uint8Array(100).fill(7);
    const hash = createSha256().update(bytes);
    bytes.fill(0);
    const expected = createHash('sha256').update(new Uint8Array(100).fill(7)).digest();
    expect(Uint8Array.from(hash.digest())).toEqual(Uint8Array.from(expected));
  });
});

it('uses only JavaScript without `process`', async () => {
  const native = await load('node');
  const portable = await load('browser');
  expect(native.createSha256().constructor).toBe(createHash('sha256').constructor);
  expect(portable.createSha256().constructor).not.toBe(createHash('sha256').constructor);
});

describe.each(['node', 'browser'] as const)('CRC-32 in a %s', (runtime) => {
  it('returns the check value of the CRC catalogue', async () => {
    const { crc32 } = await load(runtime);
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });

  it('equals the result of zlib for every length up to 100, at every alignment', async () => {
    const { crc32 } = await load(runtime);
    const bytes = Uint8Array.from({ length: 110 }, (_, i) => (i * 89) ^ 0x5a);
    for (let from = 0; from < 8; from++) {
      for (let length = 0; length <= 100; length++) {
        const part = bytes.subarray(from, from + length);
        expect(crc32(part)).toBe(zlibCrc32(part));
      }
    }
  });

  it('continues from the CRC of the preceding bytes', async () => {
    const { crc32 } = await load(runtime);
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i >> 1);
    expect(crc32(bytes.subarray(333), crc32(bytes.subarray(0, 333)))).toBe(zlibCrc32(bytes));
  });
});

it('Adler-32 equals the checksum at the end of zlib streams', () => {
  for (const size of [0, 1, 5552, 65_536, 65_537, 300_000]) {
    const bytes = new Uint8Array(size).map((_, i) => 255 - ((i * 7) & 3));
    expect(adler32(bytes)).toBe(deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4));
    expect(adler32(bytes.subarray(size >> 1), adler32(bytes.subarray(0, size >> 1)))).toBe(adler32(bytes));
  }
});
