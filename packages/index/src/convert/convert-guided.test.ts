import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Descriptor, type Fetcher, OverlayStore } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import {
  AMD64,
  ARM64,
  concat,
  drain,
  noise,
  put,
  putImage,
  putIndex,
  putLayeredImage,
  TAR_END,
  tarEntry,
  tarOf,
} from '@soci/test-content';
import { AUTO_SPAN_SIZE, decodeZtoc, decodeZtocFiles, decodeZtocSpans, spanSizeOf } from '@soci/ztoc';
import { describe, expect, it } from 'vitest';
import { openImageFilesystem } from '../filesystem/open-image-filesystem.ts';
import { CountingStore } from '../fixtures/observed-stores.ts';
import { fetchRecompressed } from '../layers/recompress-layer.ts';
import type { SociIndexOptions } from '../options.ts';
import type { ProfileFile, StartProfile } from '../profile/start-profile.ts';
import type { IndexProgress } from '../progress.ts';
import { verifySociIndex } from '../verify/verify-index.ts';
import {
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_READS_DIGEST,
  ANNOTATION_SPAN_SIZE,
  MEDIA_TYPE_PREFETCH,
} from '../vocabulary.ts';
import { buildSociIndex } from './build-index.ts';
import { type ConvertedImage, convertImage } from './convert-image.ts';

const TAR = 'application/vnd.oci.image.layer.v1.tar';
const MIB = 1 << 20;
const COARSE = AUTO_SPAN_SIZE.gzip;

const profileOf = (...files: (string | ProfileFile)[]): StartProfile => ({
  files: files.map((file) => (typeof file === 'string' ? { path: file } : file)),
});

const compress = (tar: Uint8Array) => gzipSync(tar, { level: 1 });

/** `/app/a` to `/app/f` of 3 MiB each. */
const APP = tarOf(Object.fromEntries([...'abcdef'].map((name, i) => [`app/${name}`, noise(3 * MIB, i + 1)])));
/** `/data/x` of 9 MiB, and links to a file of the layer below. */
const DATA = concat(
  tarOf({ 'data/x': noise(9 * MIB, 9), 'data/link': '-> ../app/b' }).subarray(0, -TAR_END.length),
  tarEntry({ name: 'data/hard', type: '1', linkName: 'app/b' }),
  TAR_END,
);

const GZIP_LAYERS = [APP, DATA].map(compress);
const [GZIP_APP = APP, GZIP_DATA = DATA] = GZIP_LAYERS;

async function putLayers(layers: readonly Uint8Array[] = GZIP_LAYERS, store = new CountingStore()) {
  const descriptors: Descriptor[] = [];
  for (const layer of layers) descriptors.push(await put(store, `${TAR}+gzip`, layer));
  return { store, layers: descriptors, image: await putImage(store, AMD64, descriptors) };
}

async function convert(store: Fetcher, image: Descriptor, options: SociIndexOptions): Promise<ConvertedImage> {
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1, ...options });
  if (result.outcome !== 'indexed') throw new Error(result.reason);
  return result;
}

/** Returns the zTOC of a layer, and the annotations of its descriptor. */
function ztocOf({ artifacts }: Pick<ConvertedImage, 'artifacts'>, layer: Descriptor | undefined) {
  const found = artifacts.find(
    ({ kind, descriptor }) => kind === 'ztoc' && descriptor.annotations?.[ANNOTATION_LAYER_DIGEST] === layer?.digest,
  );
  if (found === undefined) throw new Error(`no zTOC for ${layer?.digest}`);
  const { content, descriptor } = found;
  return { content, annotations: descriptor.annotations ?? {}, spans: decodeZtocSpans(content) };
}

/** Returns the number of uncompressed bytes in the spans that contain a file. */
function readSize({ content, spans }: ReturnType<typeof ztocOf>, path: string): number {
  const file = [...decodeZtocFiles(content)].find(({ name }) => Buffer.from(name).toString() === path);
  if (file === undefined) throw new Error(`no file ${path}`);
  const [start, end] = [file.uncompressedOffset, file.uncompressedOffset + file.uncompressedSize];
  const read = spans.filter((span) => span.uncompressedStart < end && span.uncompressedEnd > start);
  return read.reduce((sum, span) => sum + span.uncompressedEnd - span.uncompressedStart, 0);
}

/** Verifies all files through the index. */
async function verify(store: Fetcher, { artifacts, root, recompressed }: ConvertedImage) {
  const added = new MemoryStore();
  for (const { descriptor, content } of artifacts) await added.push(descriptor, content);
  for (const layer of recompressed) {
    const { digest, size } = layer.gzip;
    await added.push({ mediaType: `${TAR}+gzip`, digest, size }, fetchRecompressed(store, layer));
  }
  const overlay = new OverlayStore(added, store as MemoryStore);
  return { overlay, outcome: (await verifySociIndex(overlay, root)).outcome };
}

const prefetchOf = ({ artifacts }: ConvertedImage) =>
  artifacts
    .filter(({ descriptor }) => descriptor.mediaType === MEDIA_TYPE_PREFETCH)
    .map(({ descriptor, content }) => ({
      layer: descriptor.annotations?.[ANNOTATION_LAYER_DIGEST],
      spans: JSON.parse(Buffer.from(content).toString()).prefetch_spans as { start_span: number; end_span: number }[],
    }));

describe('a profile', () => {
  it('divides the spans that contain its files, and no others', async () => {
    const { store, image, layers } = await putLayers();
    const result = await convert(store, image, { profile: profileOf('/app/b', '/not/there') });
    const [guided, coarse] = [ztocOf(result, layers[0]), ztocOf(result, layers[1])];
    expect(coarse.spans).toHaveLength(1);
    expect(readSize(guided, 'app/b')).toBeLessThan(3.6 * MIB);
    expect(readSize(guided, 'app/f')).toBeGreaterThan(3 * MIB);
    expect(result.platforms[0]?.start).toMatchObject({ files: 2, filesFound: 1 });
    const { start } = result.platforms[0] ?? {};
    expect(start?.bytesRead).toBeGreaterThan(3 * MIB);
    expect(start?.bytesRead).toBeLessThan(3.6 * MIB);
    expect(start?.ztocsSize).toBe(guided.content.length + coarse.content.length);
    expect((await verify(store, result)).outcome).toBe('valid');
  });

  it('with ranges of a file divides only the spans that contain them', async () => {
    const { store, image, layers } = await putLayers();
    const part = { path: '/app/b', ranges: [{ offset: 2 * MIB, length: 1000 }] };
    const whole = await convert(store, image, { profile: profileOf('/app/b') });
    const result = await convert(store, image, { profile: profileOf(part) });
    expect(result.platforms[0]?.start?.bytesRead).toBeLessThan((whole.platforms[0]?.start?.bytesRead ?? 0) / 2);
    expect(ztocOf(result, layers[0]).content).not.toEqual(ztocOf(whole, layers[0]).content);
  });

  it.each(['/data/link', '/data/hard', 'app/b', '/app/./../app//b'])('finds the file of the path %s', async (path) => {
    const { store, image } = await putLayers();
    const direct = await convert(store, image, { profile: profileOf('/app/b') });
    const result = await convert(store, image, { profile: profileOf(path) });
    expect(result.indexes).toEqual(direct.indexes);
  });

  it('finds a file through links in a layer that is too small for a zTOC, which also removes files', async () => {
    const links = compress(tarOf({ 'bin/start': '-> /app/b', 'app/.wh.c': '' }));
    const { store, image } = await putLayers([GZIP_APP, links]);
    const minLayerSize = MIB;
    const direct = await convert(store, image, { profile: profileOf('/app/b'), minLayerSize });
    const result = await convert(store, image, { profile: profileOf('/bin/start', '/app/c'), minLayerSize });
    expect(result.platforms[0]?.start).toMatchObject({ files: 2, filesFound: 1 });
    expect(result.indexes).toEqual(direct.indexes);
  });

  it('that names only files of such layers keeps large spans', async () => {
    const { store, image, layers } = await putLayers([GZIP_APP, compress(tarOf({ small: 'small' }))]);
    const result = await convert(store, image, { profile: profileOf('/small'), minLayerSize: MIB });
    expect(result.platforms[0]?.start).toMatchObject({ filesFound: 1, bytesRead: 0 });
    expect(ztocOf(result, layers[0]).annotations[ANNOTATION_SPAN_SIZE]).toBe(String(COARSE));
  });

  it('decides about the prefetch artifact: the spans that it reads', async () => {
    const { store, image, layers } = await putLayers();
    const result = await convert(store, image, { profile: profileOf('/app/a', '/app/e') });
    const { spans } = ztocOf(result, layers[0]);
    const [prefetch, ...others] = prefetchOf(result);
    expect(others).toEqual([]);
    expect(prefetch?.layer).toBe(layers[0]?.digest);
    const fetched = (prefetch?.spans ?? []).flatMap(({ start_span: from, end_span: to }) => spans.slice(from, to + 1));
    const bytes = fetched.reduce((sum, span) => sum + span.compressedEnd - span.compressedStart, 0);
    expect(result.platforms[0]?.start?.bytesRead).toBe(bytes);
    expect(bytes).toBeLessThan(7.5 * MIB);
  });

  it('also has the files to prefetch', async () => {
    const { store, image, layers } = await putLayers();
    const both = await convert(store, image, { profile: profileOf('/app/b', '/data/x') });
    const result = await convert(store, image, { profile: profileOf('/app/b'), prefetchFiles: ['data/x'] });
    for (const layer of layers) expect(ztocOf(result, layer).content).toEqual(ztocOf(both, layer).content);
    expect(prefetchOf(result)).toEqual(prefetchOf(both));
    expect(result.platforms[0]).toMatchObject({ prefetchFiles: [{ isFound: true }], start: { files: 1 } });
    const missing = convert(store, image, { profile: profileOf('/app/b'), prefetchFiles: ['missing'] });
    await expect(missing).rejects.toMatchObject({ code: 'PREFETCH_FILE_NOT_FOUND' });
  });

  it('describes each zTOC: its smallest distance of checkpoints, and what is read in its layer', async () => {
    const { store, image, layers } = await putLayers();
    const first = await convert(store, image, { profile: profileOf('/app/b') });
    const second = await convert(store, image, { profile: profileOf('/app/c') });
    const digests = (result: ConvertedImage) =>
      layers.map((layer) => ztocOf(result, layer).annotations[ANNOTATION_READS_DIGEST]);
    expect(digests(first)[0]).not.toBe(digests(second)[0]);
    expect(digests(first)[1]).toBe(digests(second)[1]);
    for (const layer of layers) {
      const { content, annotations } = ztocOf(first, layer);
      expect(annotations[ANNOTATION_SPAN_SIZE]).toBe(String(spanSizeOf(decodeZtoc(content))));
    }
  });
});

describe('an image without a file of the profile', () => {
  it.each([1, 2])('gets the default index, with version %i', async (version) => {
    const { store, image } = await putLayers();
    const build = version === 1 ? buildSociIndex : convertImage;
    const options = { minLayerSize: 0, jobs: 1 };
    const result = await build(store, image, { ...options, profile: profileOf('/not/there', '/data') });
    const expected = await build(store, image, options);
    expect(result).toEqual({ ...expected, layers: expect.anything() });
    expect(result.platforms[0]?.start).toBeUndefined();
  });

  it('and without layers to index has no index', async () => {
    const { store, image } = await putLayers([compress(tarOf({ a: 'a' }))]);
    const result = await convertImage(store, image, { minLayerSize: MIB, profile: profileOf('/a') });
    expect(result).toMatchObject({ outcome: 'nothing-to-index', reason: 'no-layer-to-index' });
  });
});

describe('without a profile', () => {
  async function putProgram(Cmd: readonly string[]) {
    const { store, layers } = await putLayers();
    const config = await put(store, 'application/vnd.oci.image.config.v1+json', { ...AMD64, config: { Cmd } });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    return { store, layers, image: await put(store, mediaType, { schemaVersion: 2, mediaType, config, layers }) };
  }

  it('what a start reads is predicted from the image', async () => {
    const { store, image, layers } = await putProgram(['/data/link']);
    const result = await convert(store, image, { spanSize: 'auto' });
    expect(readSize(ztocOf(result, layers[0]), 'app/b')).toBeLessThan(3.9 * MIB);
    expect(result.platforms[0]?.start).toMatchObject({ files: 1, filesFound: 1 });
    expect((await convert(store, image, { spanSize: 'auto', jobs: 2 })).root).toEqual(result.root);
  });

  it.each([[[]], [['/not/there']]])('an image with the command %j gets the default index', async (command) => {
    const { store, image } = await putProgram(command);
    const result = await convert(store, image, { spanSize: 'auto' });
    expect(result.root).toEqual((await convert(store, image, {})).root);
  });
});

describe('several platforms', () => {
  it('share the spans of a layer: those that any of them reads', async () => {
    const store = new CountingStore();
    const [app, data] = [await put(store, `${TAR}+gzip`, GZIP_APP), await put(store, `${TAR}+gzip`, GZIP_DATA)];
    const hidden = await put(store, `${TAR}+gzip`, compress(tarOf({ 'app/b': '-> e' })));
    const manifests = [
      { ...(await putImage(store, AMD64, [app, data])), platform: AMD64 },
      { ...(await putImage(store, ARM64, [app, hidden])), platform: ARM64 },
    ];
    const image = await putIndex(store, manifests);
    const result = await convert(store, image, { profile: profileOf('/app/b') });
    const ztoc = ztocOf(result, app);
    for (const file of ['app/b', 'app/e']) expect(readSize(ztoc, file)).toBeLessThan(3.9 * MIB);
    expect(result.platforms.map(({ start }) => start?.filesFound)).toEqual([1, 1]);
    expect((await verify(store, result)).outcome).toBe('valid');
  });
});

describe('how layers are read', () => {
  it('each layer is fetched once; then ranges of those that are read', async () => {
    const { store, image, layers } = await putLayers();
    const ranges: string[] = [];
    const fetchRange = store.fetchRange.bind(store);
    store.fetchRange = (target, range, options) => {
      ranges.push(target.digest);
      return fetchRange(target, range, options);
    };
    await convert(store, image, { profile: profileOf('/app/b') });
    expect(layers.map(({ digest }) => store.fetches.get(digest))).toEqual([1, 1]);
    expect(new Set(ranges)).toEqual(new Set([layers[0]?.digest]));
  });

  it('a store without ranges is read again from the start of the layer', async () => {
    const { store, image, layers } = await putLayers();
    const streams: Fetcher = { fetch: (target, options) => store.fetch(target, options) };
    const result = await convert(streams, image, { profile: profileOf('/app/b') });
    expect(layers.map(({ digest }) => store.fetches.get(digest))).toEqual([2, 1]);
    expect(result.indexes).toEqual((await convert(store, image, { profile: profileOf('/app/b') })).indexes);
  });

  it.runIf(process.features.typescript)('worker threads give the same result', async () => {
    const { store, image } = await putLayers();
    const options = { profile: profileOf('/app/b', '/data/x') };
    const result = await convert(store, image, { ...options, jobs: 2 });
    expect(result.root).toEqual((await convert(store, image, options)).root);
  });

  it('a range that is damaged once is read again, and one that stays damaged fails', async () => {
    const { store, image, layers } = await putLayers();
    const expected = await convert(store, image, { profile: profileOf('/app/b') });
    const fetchRange = store.fetchRange.bind(store);
    for (const damaged of [1, Number.POSITIVE_INFINITY]) {
      let reads = 0;
      store.fetchRange = async (...args) => {
        const bytes = await fetchRange(...args);
        return ++reads <= damaged ? bytes.map((byte) => byte ^ 1) : bytes;
      };
      const result = convert(store, image, { profile: profileOf('/app/b') });
      if (damaged === 1) expect((await result).root).toEqual(expected.root);
      else await expect(result).rejects.toMatchObject({ code: 'LAYER_MISMATCH', digest: layers[0]?.digest });
    }
  });

  it('the signal ends the second read', async () => {
    const { store, image } = await putLayers();
    const abort = new AbortController();
    store.fetchRange = () => {
      abort.abort(new Error('stop'));
      return Promise.reject(new Error('aborted'));
    };
    const result = convert(store, image, { profile: profileOf('/app/b'), signal: abort.signal });
    await expect(result).rejects.toThrow('stop');
  });
});

describe('limits of the zTOC with divided spans', () => {
  const profile = profileOf('/app/b');

  it.each<[string, (coarse: number, total: number) => SociIndexOptions]>([
    ['maxZtocSize', (coarse) => ({ layerLimits: { maxZtocSize: coarse + 30_000 } })],
    ['maxSpans', () => ({ layerLimits: { maxSpans: 2 } })],
    ['maxZtocsSize', (_, total) => ({ limits: { maxZtocsSize: total + 30_000 } })],
  ])('above %s, the layer keeps large spans', async (_, limitsOf) => {
    const { store, layers, image } = await putLayers();
    const coarse = await convert(store, image, { profile: profileOf('/data/x') });
    const [app] = layers;
    const { content } = ztocOf(coarse, app);
    const total = layers.reduce((sum, layer) => sum + ztocOf(coarse, layer).content.length, 0);
    const result = await convert(store, image, { profile, ...limitsOf(content.length, total) });
    expect(ztocOf(result, app).content).toEqual(content);
    expect(readSize(ztocOf(await convert(store, image, { profile }), app), 'app/b')).toBeLessThan(4 * MIB);
  });
});

describe('other formats of layers', () => {
  it('a recompressed layer follows the profile', async () => {
    const store = new CountingStore();
    const layers = [APP, DATA].map((tar) => ({ tar, bytes: zstdCompressSync(tar), mediaType: `${TAR}+zstd` }));
    const image = await putLayeredImage(store, layers);
    const result = await convert(store, image, { profile: profileOf('/data/link'), recompress: ['zstd'] });
    expect(result.platforms[0]?.start).toMatchObject({ filesFound: 1 });
    const [app] = result.recompressed;
    expect(readSize(ztocOf(result, app?.gzip as Descriptor), 'app/b')).toBeLessThan(3.9 * MIB);
    expect((await verify(store, result)).outcome).toBe('valid');
  });

  it('an uncompressed layer has small spans', async () => {
    const store = new CountingStore();
    const layer = await put(store, TAR, APP);
    const image = await putImage(store, AMD64, [layer]);
    const result = await convert(store, image, { profile: profileOf('/app/b') });
    const { spans, annotations } = ztocOf(result, layer);
    expect(Number(annotations[ANNOTATION_SPAN_SIZE])).toBeLessThan(4 * MIB);
    expect(readSize(ztocOf(result, layer), 'app/b')).toBeLessThan(4.5 * MIB);
    expect(spans.length).toBeGreaterThan(4);
    expect((await verify(store, result)).outcome).toBe('valid');
  });

  it('an uncompressed layer has larger spans if it would exceed maxSpans', async () => {
    const store = new CountingStore();
    const layer = await put(store, TAR, APP);
    const image = await putImage(store, AMD64, [layer]);
    const profile = profileOf('/app/b');
    const spansWith = async (maxSpans: number) =>
      ztocOf(await convert(store, image, { profile, layerLimits: { maxSpans } }), layer).spans.length;
    expect(await spansWith(37)).toBe(37);
    expect(await spansWith(36)).toBe(19);
    expect(await spansWith(18)).toBe(10);
  });

  it('files are read through the spans of any size', async () => {
    const { store, image } = await putLayers();
    const result = await convert(store, image, { profile: profileOf('/app/b') });
    const { overlay } = await verify(store, result);
    const files = await openImageFilesystem(overlay, result.root);
    for (const path of ['/app/b', '/app/f', '/data/x']) {
      const file = await files.lookup(path);
      if (file?.entry === undefined) throw new Error(path);
      const content = await drain(file.reader.openFile(file.entry));
      expect(content.length).toBe(file.entry.uncompressedSize);
    }
  });
});

describe('memory', () => {
  it('a layer keeps large spans if its candidates and zTOC exceed maxZtocsSize', async () => {
    const { store, image, layers } = await putLayers();
    const events: IndexProgress[] = [];
    const result = await convert(store, image, {
      profile: profileOf('/app/b', '/data/x'),
      limits: { maxZtocsSize: MIB },
      onProgress: (event) => events.push(event),
    });
    const sizes = layers.map((layer) => ztocOf(result, layer).annotations[ANNOTATION_SPAN_SIZE]);
    expect(sizes).toContain(String(COARSE));
    expect(events.filter(({ type }) => type === 'layer-done')).toHaveLength(2);
    expect((await verify(store, result)).outcome).toBe('valid');
  });
});

describe('options', () => {
  it.each<[SociIndexOptions, string]>([
    [{ spanSize: 'auto', compat: 'soci-cli' }, 'OPTION_INVALID'],
    [{ profile: profileOf('/a'), compat: 'soci-cli' }, 'OPTION_INVALID'],
    [{ profile: profileOf('/a'), spanSize: 4 * MIB }, 'OPTION_INVALID'],
    [{ profile: profileOf('/a\0') }, 'PROFILE_INVALID'],
    [{ spanSize: 'other' as 'auto' }, 'OPTION_INVALID'],
  ])('%j fail with %s', async (options, code) => {
    const { store, image } = await putLayers([compress(tarOf({ a: 'a' }))]);
    await expect(convertImage(store, image, options)).rejects.toMatchObject({ code });
  });
});
