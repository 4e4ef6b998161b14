import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { base256, concat, readGoldenLayer, TAR_END, tarHeader } from '@soci/test-content';
import { describe, expect, it } from 'vitest';
import { decodeZtoc } from '../encoding/decode-ztoc.ts';
import { encodeZtoc } from '../encoding/encode-ztoc.ts';
import { type BuildZtocOptions, buildZtoc } from './build-ztoc.ts';

const layer = readGoldenLayer('gzip-level6.tar.gz');
const plain = readGoldenLayer('plain.tar');

/**
 * From conformance/golden/layers.json: digest of the reference's zTOC of `gzip-level6.tar.gz` at the default span size.
 */
const GOLDEN_DIGEST = '05d2035cc8fe8cf5608786703269a09cae0291405af550b6126d0319791637a3';

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function errorCodeOf(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options?: BuildZtocOptions,
): Promise<unknown> {
  return buildZtoc(chunks, options).then(
    () => 'built',
    (error) => error.code,
  );
}

describe('buildZtoc', () => {
  it('builds the same zTOC as the reference, and returns digest and size of the layer', async () => {
    const { ztoc, layerDigest, layerSize } = await buildZtoc([layer]);
    expect(sha256(encodeZtoc(ztoc))).toBe(GOLDEN_DIGEST);
    expect(layerDigest).toBe(`sha256:${sha256(layer)}`);
    expect(layerSize).toBe(layer.length);
    expect(ztoc).toMatchObject({ compression: 'gzip', maxSpanId: 0, uncompressedArchiveSize: 526_848 });
    expect(ztoc.files).toHaveLength(51);
  });

  it.each([1, 13, 4096, 131_072, 131_073])('builds the same zTOC from chunks of %i bytes', async (size) => {
    expect(sha256(encodeZtoc((await buildZtoc(chunksOf(layer, size))).ztoc))).toBe(GOLDEN_DIGEST);
    const whole = encodeZtoc((await buildZtoc([plain], { spanSize: 65_536 })).ztoc);
    const { ztoc } = await buildZtoc(chunksOf(plain, size), { spanSize: 65_536 });
    expect(Buffer.compare(encodeZtoc(ztoc), whole)).toBe(0);
  });

  it('allows the source to overwrite a chunk when the next one is requested', async () => {
    const buffer = new Uint8Array(5000);
    async function* reusing(): AsyncGenerator<Uint8Array> {
      for (const chunk of chunksOf(layer, buffer.length)) {
        buffer.fill(0xaa);
        buffer.set(chunk);
        yield buffer.subarray(0, chunk.length);
      }
    }
    expect(sha256(encodeZtoc((await buildZtoc(reusing())).ztoc))).toBe(GOLDEN_DIGEST);
  });

  it('detects gzip and tar by the first bytes, and names unsupported formats', async () => {
    expect((await buildZtoc([plain])).ztoc.compression).toBe('uncompressed');
    await expect(buildZtoc([readGoldenLayer('zstd.tar.zst')])).rejects.toMatchObject({
      code: 'COMPRESSION_UNKNOWN',
      message: expect.stringContaining('zstd'),
    });
    await expect(buildZtoc([readGoldenLayer('zlib-wrapped.tar.gz')])).rejects.toMatchObject({
      code: 'COMPRESSION_UNKNOWN',
      message: expect.stringContaining('zlib'),
    });
    expect(await errorCodeOf([layer], { compression: 'uncompressed' })).toBe('TAR_INVALID');
    expect(await errorCodeOf([plain], { compression: 'gzip' })).toBe('GZIP_HEADER_INVALID');
  });

  it('treats an empty layer as an empty archive', async () => {
    const { ztoc } = await buildZtoc([]);
    expect(ztoc).toMatchObject({ compression: 'uncompressed', maxSpanId: -1, files: [], spanDigests: [] });
  });

  it('reports progress', async () => {
    const reports: number[][] = [];
    await buildZtoc(chunksOf(layer, 100_000), {
      spanSize: 65_536,
      onProgress: ({ bytes, uncompressedBytes, spans }) => reports.push([bytes, uncompressedBytes, spans]),
    });
    expect(reports.map(([bytes]) => bytes)).toEqual([100_000, 200_000, layer.length]);
    const [, uncompressed, spans] = reports[2] ?? [];
    expect(uncompressed).toBe(532_480);
    expect(spans).toBeGreaterThan(3);
  });

  it('stops when it is aborted', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const build = buildZtoc(chunksOf(layer, 1000), {
      signal: controller.signal,
      onProgress: ({ bytes }) => {
        seen.push(bytes);
        if (bytes === 3000) controller.abort('stopped');
      },
    });
    await expect(build).rejects.toBe('stopped');
    expect(seen).toEqual([1000, 2000, 3000]);
  });

  it('throws the reason of the signal if the source fails because of the abort', async () => {
    const controller = new AbortController();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield layer.subarray(0, 1000);
      controller.abort('stopped');
      throw new Error('the connection was closed');
    }
    await expect(buildZtoc(broken(), { signal: controller.signal })).rejects.toBe('stopped');
  });

  it('can be aborted by a timer even if all chunks are synchronous', async () => {
    const bomb = gzipSync(new Uint8Array(1 << 20));
    function* endless(): Generator<Uint8Array> {
      while (true) yield bomb;
    }
    const build = buildZtoc(endless(), { signal: AbortSignal.timeout(50), limits: { maxUncompressedSize: 2 ** 50 } });
    await expect(build).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('rejects layers that exceed the limits', async () => {
    expect(await errorCodeOf([layer], { limits: { maxUncompressedSize: 500_000 } })).toBe('LIMIT_EXCEEDED');
    expect(await errorCodeOf([plain], { limits: { maxUncompressedSize: 500_000 } })).toBe('LIMIT_EXCEEDED');
    expect(await errorCodeOf([layer], { limits: { maxEntries: 50 } })).toBe('LIMIT_EXCEEDED');
    expect(await errorCodeOf([layer], { limits: { maxMetadataSize: 100 } })).toBe('LIMIT_EXCEEDED');
    expect(await errorCodeOf([layer], { spanSize: 1, limits: { maxSpans: 3 } })).toBe('LIMIT_EXCEEDED');
    expect(await errorCodeOf([plain], { spanSize: 512, limits: { maxSpans: 3 } })).toBe('LIMIT_EXCEEDED');
  });

  it('names the limit that a zTOC exceeds, whether entries or spans are too many', async () => {
    const build = (limits: object, bytes = layer) => buildZtoc([bytes], { spanSize: 65_536, limits });
    const { bytes } = await build({});
    await expect(build({ maxZtocSize: bytes.length })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringMatching(new RegExp(`exceeds maxZtocSize \\(${bytes.length} bytes\\) at byte \\d+`)),
    });
    expect((await build({ maxZtocSize: 2 * bytes.length })).bytes).toEqual(bytes);
    await expect(build({ maxZtocSize: 3000 }, plain)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('decodes the files when they are first read, as decodeZtoc does', async () => {
    const { ztoc, bytes, entryCount } = await buildZtoc([layer]);
    expect(entryCount).toBe(51);
    expect(ztoc).toEqual(decodeZtoc(bytes));
    expect(ztoc.files).toBe(ztoc.files);
  });

  it('passes each entry to onEntry, with bytes that are valid during the call', async () => {
    const names: string[] = [];
    const { ztoc } = await buildZtoc(chunksOf(layer, 1000), {
      onEntry: ({ name }) => names.push(Buffer.from(name).toString()),
    });
    expect(names).toEqual(ztoc.files.map(({ name }) => Buffer.from(name).toString()));
    const failing = buildZtoc([layer], {
      onEntry() {
        throw new Error('stop here');
      },
    });
    await expect(failing).rejects.toThrow('stop here');
  });

  it('keeps sizes of entries that are not files, even negative ones', async () => {
    const size = base256(-5n, 12);
    const tar = concat(tarHeader({ name: 'link', type: '2', linkName: 'target', size }), TAR_END);
    const { ztoc, bytes } = await buildZtoc([tar]);
    expect(ztoc.files).toMatchObject([{ type: 'symlink', uncompressedSize: -5 }]);
    expect(encodeZtoc(ztoc)).toEqual(bytes);
  });

  it('rejects a million empty blocks before the first output', async () => {
    const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
    const emptyBlocks = new Uint8Array(5_000_000).map((_, i) => (i % 5 < 3 ? 0 : 0xff));
    const build = buildZtoc([header, emptyBlocks]);
    await expect(build).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', offset: 10 + 1024 * 5 + 5 });
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 53])('rejects a span size of %d', async (spanSize) => {
    expect(await errorCodeOf([layer], { spanSize })).toBe('OPTION_INVALID');
  });

  it('rethrows errors of the source', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield layer.subarray(0, 1000);
      throw new Error('connection lost');
    }
    await expect(buildZtoc(broken())).rejects.toThrow('connection lost');
  });
});
