import { gzipSync, zstdCompressSync } from 'node:zlib';
import { MEDIA_TYPE_OCI_LAYER, MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { makeTextTar, put } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { unpackLayer } from './unpack-layer.ts';

const TAR = makeTextTar('file', 600_000);
const HALF = TAR.length / 2;

async function unpack(bytes: Uint8Array, { mediaType = MEDIA_TYPE_OCI_LAYER_GZIP, maxSize = TAR.length } = {}) {
  const store = new MemoryStore();
  const layer = await put(store, mediaType, bytes);
  const chunks: Uint8Array[] = [];
  let format = '';
  let read = 0;
  const options = { maxSize, onFormat: (found: string) => (format = found), onRead: (size: number) => (read += size) };
  for await (const chunk of unpackLayer(store, layer, options)) chunks.push(Buffer.from(chunk));
  return { content: Buffer.concat(chunks), format, read };
}

describe('the archive of a layer', () => {
  it.each([
    ['gzip', gzipSync(TAR)],
    ['gzip', Buffer.concat([gzipSync(TAR.subarray(0, HALF)), gzipSync(TAR.subarray(HALF))])],
    ['zstd', zstdCompressSync(TAR)],
    ['tar', TAR],
  ])('is read from %s, whatever the media type says', async (format, bytes) => {
    for (const mediaType of [MEDIA_TYPE_OCI_LAYER_GZIP, MEDIA_TYPE_OCI_LAYER]) {
      const unpacked = await unpack(bytes, { mediaType });
      expect(unpacked).toMatchObject({ format, read: bytes.length });
      expect(unpacked.content.equals(TAR)).toBe(true);
    }
  });

  it('can be empty', async () => {
    expect(await unpack(new Uint8Array())).toMatchObject({ format: 'tar', read: 0 });
  });

  it.each([
    ['gzip', gzipSync(TAR)],
    ['zstd', zstdCompressSync(TAR)],
    ['tar', TAR],
  ])('has a maximum size: %s', async (_, bytes) => {
    const message = /the unpacked image has more than 599999 bytes/;
    await expect(unpack(bytes, { maxSize: 599_999 })).rejects.toThrow(message);
  });

  it('must be complete', async () => {
    const bytes = gzipSync(TAR);
    await expect(unpack(bytes.subarray(0, bytes.length - 100))).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
    const zstd = zstdCompressSync(TAR);
    await expect(unpack(zstd.subarray(0, zstd.length - 100))).rejects.toMatchObject({ code: 'SOURCE_INVALID' });
  });

  it('cannot be encrypted', async () => {
    const mediaType = `${MEDIA_TYPE_OCI_LAYER_GZIP}+encrypted`;
    await expect(unpack(gzipSync(TAR), { mediaType })).rejects.toThrow(/is encrypted/);
  });
});
