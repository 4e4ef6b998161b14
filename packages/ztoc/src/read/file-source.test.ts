import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { fileSource } from './file-source.ts';

const folder = temporaryFolder();

const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
const path = join(folder, 'layer');
writeFileSync(path, bytes);

describe('fileSource', () => {
  it('reads any range of a file, and closes it', async () => {
    const source = await fileSource(path);
    expect(source.size).toBe(5000);
    expect(await source.read(1000, 4000)).toEqual(bytes.subarray(1000));
    expect(await source.read(5000, 0)).toEqual(new Uint8Array(0));
    await source.close();
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED' });
  });

  it('can be disposed of', async () => {
    const source = await fileSource(path);
    await source[Symbol.asyncDispose]();
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED' });
  });

  it('rejects a missing file and a folder', async () => {
    await expect(fileSource(join(folder, 'none'))).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED' });
    await expect(fileSource(folder)).rejects.toMatchObject({ message: expect.stringContaining('not a regular file') });
  });

  it('rejects ranges past the end, and reports a truncated file', async () => {
    const shrinking = join(folder, 'shrinking');
    writeFileSync(shrinking, bytes);
    const source = await fileSource(shrinking);
    await expect(source.read(4999, 2)).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED', offset: 4999 });
    truncateSync(shrinking, 100);
    await expect(source.read(0, 200)).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED', offset: 100 });
    await source.close();
  });

  it('stops when aborted', async () => {
    const source = await fileSource(path);
    await expect(source.read(0, 1, { signal: AbortSignal.abort('stopped') })).rejects.toBe('stopped');
    await source.close();
  });
});
