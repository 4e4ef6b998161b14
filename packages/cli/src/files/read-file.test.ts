import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { readFileChunks } from './read-file.ts';

const path = join(temporaryFolder(), 'file');
const content = Buffer.from(Uint8Array.from({ length: 9_000_001 }, (_, i) => (i * 7) ^ (i >> 9)));
writeFileSync(path, content);

describe('readFileChunks', () => {
  it('returns every byte once, in a single buffer', async () => {
    const pieces: Buffer[] = [];
    const buffers = new Set<ArrayBufferLike>();
    for await (const chunk of readFileChunks(path)) {
      pieces.push(Buffer.from(chunk));
      buffers.add(chunk.buffer);
    }
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect(buffers.size).toBe(1);
  });

  it('lets signals and timers run', async () => {
    let timersRun = 0;
    const timer = setTimeout(0).then(() => {
      timersRun += 1;
    });
    for await (const _ of readFileChunks(path)) if (timersRun > 0) break;
    expect(timersRun).toBe(1);
    await timer;
  });

  it('names a missing file in the error', async () => {
    const missing = join(path, 'missing');
    await expect(readFileChunks(missing).next()).rejects.toThrow(missing);
  });
});
