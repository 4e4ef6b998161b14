import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { readFileChunks } from './read-file.ts';

const path = join(temporaryFolder(), 'file');
const content = Buffer.from(Uint8Array.from({ length: 9_000_001 }, (_, i) => (i * 7) ^ (i >> 9)));
writeFileSync(path, content);

describe('reading a file in chunks', () => {
  it('gives every byte once, in one buffer', async () => {
    const pieces: Buffer[] = [];
    const buffers = new Set<ArrayBufferLike>();
    for await (const chunk of readFileChunks(path)) {
      pieces.push(Buffer.from(chunk));
      buffers.add(chunk.buffer);
    }
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect(buffers.size).toBe(1);
  });

  it('gives signals and timers their turn', async () => {
    let turns = 0;
    const timer = setTimeout(0).then(() => {
      turns += 1;
    });
    for await (const _ of readFileChunks(path)) if (turns > 0) break;
    expect(turns).toBe(1);
    await timer;
  });

  it('says which file is not there', async () => {
    const nowhere = join(path, 'nowhere');
    await expect(readFileChunks(nowhere).next()).rejects.toThrow(nowhere);
  });
});
