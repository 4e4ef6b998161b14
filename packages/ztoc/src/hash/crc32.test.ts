import { crc32 as zlibCrc32 } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

async function load(runtime: 'node' | 'browser'): Promise<typeof import('./crc32.ts')> {
  vi.resetModules();
  if (runtime === 'browser') vi.stubGlobal('process', undefined);
  return import('./crc32.ts');
}

describe.each(['node', 'browser'] as const)('CRC-32 in a %s', (runtime) => {
  it('gives the check value of the CRC catalogue', async () => {
    const { crc32 } = await load(runtime);
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });

  it('agrees with zlib for every length up to 100, at every alignment', async () => {
    const { crc32 } = await load(runtime);
    const bytes = Uint8Array.from({ length: 110 }, (_, i) => (i * 89) ^ 0x5a);
    for (let from = 0; from < 8; from++) {
      for (let length = 0; length <= 100; length++) {
        const part = bytes.subarray(from, from + length);
        expect(crc32(part)).toBe(zlibCrc32(part));
      }
    }
  });

  it('goes on from the CRC of what came before', async () => {
    const { crc32 } = await load(runtime);
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i >> 1);
    expect(crc32(bytes.subarray(333), crc32(bytes.subarray(0, 333)))).toBe(zlibCrc32(bytes));
  });
});
