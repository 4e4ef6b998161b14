import { randomFillSync } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Descriptor, MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER_GZIP, MEDIA_TYPE_OCI_LAYER_ZSTD } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { AMD64, compressInFrames, put, putImage, tarOf } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { convertImage } from '../index.ts';
import type { ImageFilesystem } from './image-filesystem.ts';
import { openImageFilesystem } from './open-image-filesystem.ts';

const large = Buffer.from(randomFillSync(new Uint8Array(20 << 20))).toString('hex');
const ARCHIVE = tarOf({ 'a/': '', 'a/small': 'content', 'a/large': large, link: '-> a/small', last: 'end' });

async function open(...layers: readonly (readonly [mediaType: string, bytes: Uint8Array])[]): Promise<ImageFilesystem> {
  const store = new MemoryStore();
  const descriptors: Descriptor[] = [];
  for (const [mediaType, bytes] of layers) descriptors.push(await put(store, mediaType, bytes));
  return openImageFilesystem(store, await putImage(store, AMD64, descriptors));
}

async function read(files: ImageFilesystem, path: string): Promise<string | undefined> {
  const file = await files.lookup(path, { followSymlinks: true });
  if (file?.entry === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.reader.openFile(file.entry)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks).toString();
}

describe.each([
  ['zstd', MEDIA_TYPE_OCI_LAYER_ZSTD, zstdCompressSync(ARCHIVE)],
  ['zstd with many frames', MEDIA_TYPE_OCI_LAYER_ZSTD, compressInFrames(ARCHIVE, 1 << 20)],
  ['zstd that claims to be gzip', MEDIA_TYPE_OCI_LAYER_GZIP, zstdCompressSync(ARCHIVE)],
  ['gzip that claims to be a tar', MEDIA_TYPE_OCI_LAYER, gzipSync(ARCHIVE, { level: 1 })],
  ['tar that claims to be zstd', MEDIA_TYPE_OCI_LAYER_ZSTD, ARCHIVE],
])('a layer of %s', (_, mediaType, bytes) => {
  it('shows its files', async () => {
    const files = await open([mediaType, bytes]);
    expect((await files.readdir('a'))?.map(({ name }) => name)).toEqual(['large', 'small']);
    expect(files.unreadableLayers).toEqual([]);
  });

  it('is read in any order, also by several readers', async () => {
    const files = await open([mediaType, bytes]);
    expect(
      await Promise.all(['last', 'a/small', 'a/large', 'a/large', 'link'].map((path) => read(files, path))),
    ).toEqual(['end', 'content', large, large, 'content']);
  });
});

it('decompresses a zstd layer once for the list of files, and once for a large file', async () => {
  const bytes = zstdCompressSync(ARCHIVE);
  const files = await open([MEDIA_TYPE_OCI_LAYER_ZSTD, bytes]);
  const found = await files.lookup('a/large');
  expect(files.bytesRead).toBe(bytes.length);
  expect(found?.reader.spansOf('a/large').length).toBeGreaterThan(8);
  expect(await read(files, 'a/large')).toBe(large);
  expect(files.bytesRead).toBeLessThanOrEqual(2 * bytes.length);
});

const LOWER = gzipSync(tarOf({ 'etc/': '', 'etc/lower': 'lower', both: 'lower', link: '-> etc/lower' }));
const UPPER = gzipSync(tarOf({ both: 'upper', upper: 'upper', 'bin/': '' }));

const damaged = Uint8Array.from(gzipSync(randomFillSync(new Uint8Array(5000))));
damaged[2000] = (damaged[2000] as number) ^ 0xff;
const truncated = zstdCompressSync(ARCHIVE).subarray(0, 100_000);

describe.each([
  ['encrypted', `${MEDIA_TYPE_OCI_LAYER_GZIP}+encrypted`, gzipSync('?'), 'is encrypted'],
  ['damaged', MEDIA_TYPE_OCI_LAYER_GZIP, damaged, 'in both reads'],
  ['truncated', MEDIA_TYPE_OCI_LAYER_ZSTD, truncated, 'invalid zstd data'],
  ['compressed with xz', MEDIA_TYPE_OCI_LAYER, Buffer.from('fd377a585a000001', 'hex'), 'xz data'],
])('an image with a layer that is %s', (_, mediaType, bytes, message) => {
  const openImage = () =>
    open([MEDIA_TYPE_OCI_LAYER_GZIP, LOWER], [mediaType, bytes], [MEDIA_TYPE_OCI_LAYER_GZIP, UPPER]);
  const named = [expect.objectContaining({ message: expect.stringContaining(message) })];

  it('shows the files of the other layers, and names the layer', async () => {
    const files = await openImage();
    expect((await files.readdir(''))?.map(({ name }) => name)).toEqual(['bin', 'both', 'etc', 'link', 'upper']);
    expect(files.unreadableLayers).toEqual(named);
    expect(files.unreadableLayers[0]?.layer).toEqual(files.layers[1]);
  });

  it('names the layer with each file that it may replace', async () => {
    const files = await openImage();
    expect(await read(files, 'link')).toBe('lower');
    expect((await files.lookup('etc/lower'))?.unreadableLayers).toEqual(named);
    expect((await files.lookup('link', { followSymlinks: true }))?.unreadableLayers).toEqual(named);
    expect((await files.lookup('both'))?.unreadableLayers).toEqual([]);
  });

  it('fails for a path that only this layer may have', async () => {
    const files = await openImage();
    const failure = { code: 'LAYER_UNREADABLE', message: expect.stringContaining(message) };
    await expect(files.lookup('missing')).rejects.toMatchObject(failure);
    await expect(files.readdir('missing')).rejects.toMatchObject(failure);
    expect(await files.realpath('missing/x')).toBe('missing/x');
  });
});

it('reads a layer whose zTOC is missing', async () => {
  const store = new MemoryStore();
  const image = await putImage(store, AMD64, [await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, LOWER)]);
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1 });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  for (const { kind, descriptor, content } of result.artifacts) {
    if (kind !== 'ztoc') await store.push(descriptor, content);
  }
  const files = await openImageFilesystem(store, result.root);
  expect(await read(files, 'etc/lower')).toBe('lower');
  await expect(files.indexedLayers()).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
