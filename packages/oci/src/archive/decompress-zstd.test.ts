import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { decompressZstd } from '@soci/oci/zstd';
import { describe, expect, it } from 'vitest';

const PARTS = [Buffer.from('first'), randomBytes(300_000), Buffer.alloc(0), Buffer.alloc(1_000_000, 'text ')];
const FRAMES = Buffer.concat(PARTS.map((part) => zstdCompressSync(part)));

async function* inChunks(bytes: Uint8Array, size: number) {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function decompress(bytes: Uint8Array, chunkSize = bytes.length): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompressZstd(inChunks(bytes, chunkSize))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('decompressZstd', () => {
  it.each([17, 1000, 65_536, FRAMES.length])('reads several frames in chunks of %i bytes', async (chunkSize) => {
    expect(Buffer.concat(PARTS).equals(await decompress(FRAMES, chunkSize))).toBe(true);
  });

  it('returns nothing for nothing', async () => {
    expect(await decompress(Buffer.alloc(0), 1)).toHaveLength(0);
  });

  it.each([
    ['a frame that is cut off', FRAMES.subarray(0, -1)],
    ['other data after a frame', Buffer.concat([FRAMES, Buffer.from('not a frame')])],
    ['other data', Buffer.from('not a frame')],
  ])('rejects %s', async (_, bytes) => {
    await expect(decompress(bytes)).rejects.toMatchObject({ code: expect.stringMatching(/^Z/) });
  });

  it('passes on the error of its input', async () => {
    async function* failing() {
      yield FRAMES.subarray(0, 100);
      throw new Error('lost');
    }
    await expect(async () => {
      for await (const _ of decompressZstd(failing()));
    }).rejects.toThrow('lost');
  });
});
