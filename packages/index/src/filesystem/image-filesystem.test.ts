import { gzipSync } from 'node:zlib';
import { type Descriptor, MEDIA_TYPE_OCI_LAYER_GZIP } from '@soci/oci';
import { MemoryStore } from '@soci/oci/memory';
import { concat, put, putImage, putIndex, TAR_END, tarEntry } from '@soci/test-content';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildSociIndex } from '../convert/build-index.ts';
import { convertImage } from '../convert/convert-image.ts';
import { openImageFilesystem } from './open-image-filesystem.ts';

/** Entries of a layer by path: content of a file, `-> TARGET` for a symbolic link, empty for a directory. */
type LayerFiles = Readonly<Record<string, string>>;

const LAYERS: readonly LayerFiles[] = [
  {
    'etc/': '',
    'etc/os-release': 'base',
    'etc/removed': 'base',
    'opt/': '',
    'opt/old/': '',
    'opt/old/file': 'base',
    lib: '-> usr/lib',
    'usr/lib/libc.so': 'libc',
    data: 'a file',
  },
  {
    'etc/.wh.removed': '',
    'etc/os-release': 'upper',
    'opt/.wh..wh..opq': '',
    'opt/new': 'upper',
    'data/': '',
    'data/inside': 'x',
  },
  { top: '-> /lib/libc.so', loop: '-> loop', far: '-> ../../etc/os-release', 'usr/lib/extra': 'e' },
];

const AMD64 = { architecture: 'amd64', os: 'linux' };
const ARM64 = { architecture: 'arm64', os: 'linux' };

const store = new MemoryStore();
let layers: Descriptor[];
let image: Descriptor;
let converted: Descriptor;

function layerOf(files: LayerFiles): Uint8Array {
  const entries = Object.entries(files).map(([name, content]) => {
    if (content.startsWith('-> ')) return tarEntry({ name, type: '2', linkName: content.slice(3) });
    return tarEntry({ name, type: name.endsWith('/') ? '5' : '0' }, content);
  });
  return gzipSync(concat(...entries, TAR_END));
}

beforeAll(async () => {
  layers = [];
  for (const files of LAYERS) layers.push(await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, layerOf(files)));
  image = await putImage(store, AMD64, layers);
  const result = await convertImage(store, image, { minLayerSize: 0, jobs: 1 });
  if (result.outcome !== 'indexed') throw new Error(result.outcome);
  for (const { descriptor, content } of result.artifacts) await store.push(descriptor, content);
  converted = result.root;
});

describe.each(['with zTOCs', 'without zTOCs'])('the files of an image %s', (kind) => {
  const open = () => openImageFilesystem(store, kind === 'without zTOCs' ? image : converted);

  async function read(path: string): Promise<string | undefined> {
    const file = await (await open()).lookup(path, { followSymlinks: true });
    if (file?.entry === undefined) return undefined;
    return Buffer.from(await file.reader.readFile(file.entry)).toString();
  }

  it.each([
    ['/etc/os-release', 'upper'],
    ['etc/../etc/./os-release', 'upper'],
    ['/opt/new', 'upper'],
    ['/data/inside', 'x'],
    ['/lib/libc.so', 'libc'],
    ['/top', 'libc'],
    ['/far', 'upper'],
    ['/etc/removed', undefined],
    ['/opt/old/file', undefined],
    ['/usr', undefined],
  ])('%s contains %s', async (path, content) => {
    expect(await read(path)).toBe(content);
  });

  it.each([
    ['', ['data', 'etc', 'far', 'lib', 'loop', 'opt', 'top', 'usr']],
    ['etc', ['os-release']],
    ['/opt/', ['new']],
    ['usr/lib', ['extra', 'libc.so']],
    ['opt/old', undefined],
    ['nothing', undefined],
    ['lib', undefined],
  ])('the directory %j contains %j', async (path, names) => {
    expect((await (await open()).readdir(path))?.map(({ name }) => name)).toEqual(names);
  });

  it('follows symbolic links in directories, and detects loops', async () => {
    const files = await open();
    expect(await files.realpath('/top')).toBe('usr/lib/libc.so');
    expect(await files.realpath('/lib/../nothing')).toBe('usr/nothing');
    expect((await files.lookup('top'))?.entry?.type).toBe('symlink');
    await expect(files.realpath('/loop')).rejects.toMatchObject({ code: 'SYMLINK_LOOP' });
  });
});

it('reads only the spans of a file, and a layer without a zTOC once', async () => {
  const indexed = await openImageFilesystem(store, converted);
  const file = await indexed.lookup('etc/os-release');
  expect(indexed.bytesRead).toBe(0);
  if (file?.entry) await file.reader.readFile(file.entry);
  expect(indexed.bytesRead).toBe(file?.entry && file.reader.bytesToFetch(file.entry));
  expect((await indexed.indexedLayers()).map(({ layer }) => layer.digest)).toEqual(layers.map(({ digest }) => digest));

  const plain = await openImageFilesystem(store, image);
  await plain.lookup('nothing');
  await plain.lookup('etc');
  expect(plain.bytesRead).toBe(layers.reduce((sum, { size }) => sum + size, 0));
  expect(await plain.indexedLayers()).toEqual([]);
});

it('finds version 1 indexes among the referrers', async () => {
  const own = new MemoryStore();
  const layer = await put(own, MEDIA_TYPE_OCI_LAYER_GZIP, layerOf({ file: 'x' }));
  const subject = await putImage(own, AMD64, [layer]);
  const built = await buildSociIndex(own, subject, { minLayerSize: 0, jobs: 1 });
  if (built.outcome !== 'indexed') throw new Error(built.outcome);
  for (const { descriptor, content } of built.artifacts) await own.push(descriptor, content);
  expect(await (await openImageFilesystem(own, subject)).indexedLayers()).toHaveLength(1);
});

describe('openImageFilesystem for an image with several platforms', () => {
  let index: Descriptor;

  beforeAll(async () => {
    const other = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, layerOf({ 'only-arm64': '' }));
    const manifests = [
      { ...image, platform: AMD64 },
      { ...(await putImage(store, ARM64, [other])), platform: ARM64 },
    ];
    index = await putIndex(store, manifests);
  });

  it('opens the selected platform', async () => {
    const files = await openImageFilesystem(store, index, { platform: ARM64 });
    expect((await files.readdir(''))?.map(({ name }) => name)).toEqual(['only-arm64']);
  });

  it('fails without a platform, or if the platform does not exist', async () => {
    const message = 'the image has several platforms, select one: linux/amd64, linux/arm64';
    await expect(openImageFilesystem(store, index)).rejects.toMatchObject({ code: 'PLATFORM_AMBIGUOUS', message });
    const s390x = { architecture: 's390x', os: 'linux' };
    await expect(openImageFilesystem(store, index, { platform: s390x })).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
      message: 'the image has no manifest for linux/s390x, only for linux/amd64, linux/arm64',
    });
    await expect(openImageFilesystem(store, image, { platform: s390x })).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
    });
    await expect(openImageFilesystem(store, await putIndex(store, []))).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
    });
  });
});

it('throws the abort reason of the signal', async () => {
  const signal = AbortSignal.abort('enough');
  await expect(openImageFilesystem(store, image, { signal })).rejects.toBe('enough');
});
